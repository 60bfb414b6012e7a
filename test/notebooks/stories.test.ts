/** What readers do in cells of their own, in the kernel: each story in as few lines as the notebooks promise. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runNotebook } from '../../scripts/notebooks/run-notebook.js';
import { projectAt } from '../../scripts/setup/project.js';

const KERNEL_TIMEOUT_MS = 300_000;

interface Output {
  text?: string[];
  data?: Record<string, string[]>;
}

const folder = mkdtempSync(join(tmpdir(), 'bitnet-stories-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string): string => JSON.stringify(join(folder, name));

const SETUP = `
import { compare, fit, FittedRun, loadTraining, QuantizerFunction, ZipfFacts } from '../lib';
import { openCorpusOf, readRecorded } from '../experiments';
const training = await loadTraining();
const corpus = new ZipfFacts({ vocabSize: 128, exponent: 1.5, noise: 0.1 });
const config = { ...(await readRecorded('scaling-law')).runs[0].model, bitlm: undefined, quantization_config: {
  quant_method: 'bitnet' as const, linear_class: 'autobitlinear' as const, quantization_mode: 'online' as const } };
const short = { steps: 20, batch: 16, context: 6, validationWindows: 64 };`;

/** The cells, and how many lines each may have. */
const STORIES: Record<string, { lines: number; cell: string }> = {
  'two rates, compared live': {
    lines: 8,
    cell: `
const rates: FittedRun[] = [];
for (const rate of [1e-3, 1e-2]) {
  const model = training.createModel(config, 1);
  rates.push(await fit(model, corpus, { ...short, rate, name: \`rate \${rate}\`, beside: rates }));
}`,
  },
  'an own quantizer of five levels, at random: trained, saved, resumed': {
    lines: 12,
    cell: `
const fiveLevels: QuantizerFunction = (w, { uniform }) => {
  const step = w.abs().mean();
  return w.div(step).add(uniform()).floor().clipByValue(-2, 2).mul(step);
};
const five = training.createModel(config, 1, { weightQuantizer: fiveLevels });
await fit(five, corpus, { ...short, folder: ${place('five')} });
await five.save(${place('saved')});
const opened = await training.openModel(${place('saved')}, { weightQuantizer: fiveLevels });
const more = await fit(opened, corpus, { ...short, steps: 40, folder: ${place('five')} });
console.log(more.done, opened.config.bitlm?.own_weight_quantizer?.split(' ')[0]);`,
  },
  'an own size beside the recorded ones': {
    lines: 8,
    cell: `
const recorded = (await readRecorded('scaling-law')).runs.filter(({ name }) => /^zipf.*-b1.58-2x.*seed1$/.test(name));
const [first] = recorded;
const size = { ...first.model, hidden_size: 16, intermediate_size: 40, head_dim: 8 };
const mine = training.createModel(size, 1);
const run = await fit(mine, await openCorpusOf(first.corpus), { ...first.training, steps: 20, name: 'mine' });
await compare([...recorded, run]);`,
  },
  'diagnostics of two runs': {
    lines: 1,
    cell: `await compare([rates[0], ${place('five')}], { what: ['flips', 'zeros'] });`,
  },
};

describe('stories', () => {
  let failure: string | undefined;
  let outputs: Output[][] = [];
  const names = Object.keys(STORIES);
  const outputsOf = (name: string): Output[] => outputs[names.indexOf(name) + 1];
  const textOf = (name: string): string =>
    outputsOf(name)
      .flatMap(({ text = [] }) => text)
      .join('');
  const chartsOf = (name: string): string[] =>
    outputsOf(name).flatMap(({ data }) => (data?.['image/svg+xml'] ? [data['text/plain'].join('')] : []));

  beforeAll(async () => {
    const cells = [SETUP, ...Object.values(STORIES).map(({ cell }) => cell)].map((source, i) => ({
      cell_type: 'code',
      id: `cell-${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source: source.trim(),
    }));
    const metadata = { kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' } };
    const [source, target] = ['stories.ipynb', 'executed.ipynb'].map((name) => join(folder, name));
    writeFileSync(source, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
    ({ failure } = await runNotebook(projectAt(), { source, target, preset: 'smoke' }));
    const executed = JSON.parse(readFileSync(target, 'utf8')) as { cells: { outputs: Output[] }[] };
    outputs = executed.cells.map((cell) => cell.outputs);
  }, KERNEL_TIMEOUT_MS);

  it('run to the end', () => {
    expect(failure).toBeUndefined();
  });

  it.each(names)('%s: as many lines as promised', (name) => {
    const { lines, cell } = STORIES[name];
    expect(cell.trim().split('\n').length).toBeLessThanOrEqual(lines);
  });

  it('two rates: the second chart holds both runs', () => {
    const [first, second] = chartsOf('two rates, compared live');
    expect(first).toMatch(/step 20 of 20/);
    expect(second).toMatch(/- rate 0.001[\s\S]*- rate 0.01/);
  });

  it('an own quantizer: the folder goes on to 40 steps', () => {
    const name = 'an own quantizer of five levels, at random: trained, saved, resumed';
    expect(textOf(name)).toContain('40 fiveLevels');
    expect(chartsOf(name)[1]).toMatch(/step 40 of 40/);
  });

  it('an own size: the recorded curves and one more', () => {
    const [chart] = chartsOf('an own size beside the recorded ones').slice(-1);
    expect(chart).toMatch(/- zipf.*-b1.58[\s\S]*- mine/);
  });

  it('diagnostics: a chart of flips and one of zeros, of a run in memory and one in a folder', () => {
    const charts = chartsOf('diagnostics of two runs');
    expect(charts).toHaveLength(2);
    for (const chart of charts) expect(chart).toMatch(/- rate 0.001[\s\S]*- five/);
  });
});
