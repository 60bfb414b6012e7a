import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportRun, pytorchScript, readExportedRun } from '../../../experiments/pytorch/export-run.js';
import { cellRun, type Grid, type GridArm } from '../../../experiments/scaling-law/grid.js';
import { gridsOf } from '../../../experiments/scaling-law/grids.js';
import { versionOf } from '../../../experiments/sweep/versions.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import { loadTraining, openTextFile, ZipfFacts } from '../../../lib/index.js';

const grids = gridsOf('full').grids;
const grid = (name: string): Grid => grids.find((one) => one.name === name)!;
const arm = (of: Grid, name: string): GridArm => of.arms.find((one) => one.name === name)!;
const [zipf, union] = [grid('zipf1.5'), grid('union')];

/** Small runs that take every branch of the script's model. */
const RUNS: Record<string, RunSpec> = Object.fromEntries(
  [arm(zipf, 'b1.58'), arm(zipf, 'b1'), arm(union, 'preln-swiglu')].map((one) => [
    one.name,
    cellRun(zipf, one, { shape: { width: 12, layers: 2 }, steps: 20, peak: 0.01, seed: 1 }),
  ]),
);
const language = new ZipfFacts({ vocabSize: 128, exponent: 1.5, noise: 0.1, startToken: true });

/** Losses of 20 steps by PyTorch 2.15 on a processor, from exported scripts: `python RUN.py --steps 20` for each of RUNS. */
const golden = JSON.parse(
  await readFile(new URL('../../golden/pytorch/losses.json', import.meta.url), 'utf8'),
) as Record<string, number[]>;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'bitnet-pytorch-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** The specification in a script, as Python reads it. */
function specIn(script: string): Record<string, unknown> {
  const text = /json\.loads\("""(.*?)"""\)/s.exec(script)![1];
  return JSON.parse(text.replaceAll('\\\\', '\\')) as Record<string, unknown>;
}

describe('what PyTorch did in twenty steps of exported runs', () => {
  it.each(Object.keys(RUNS))('%s: the losses of this project', async (name) => {
    const training = await loadTraining({ threads: 1 });
    const { model: config, training: options } = RUNS[name];
    const model = training.createModel(config, options.seeds.weights);
    const losses: number[] = [];
    const brief = { ...options, evaluateEvery: 20, validationWindows: 1 };
    for await (const { trainLoss } of training.train(model, language, brief)) losses.push(trainLoss);
    model.dispose();
    expect(losses).toHaveLength(20);
    // The first loss shows weights and data, the next ones gradients and updates. Later an activation may round to the other side.
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - golden[name][step]), `step ${step + 1}`).toBeLessThan(step < 4 ? 2e-5 : 2e-2);
    });
  });
});

describe('pytorchScript', () => {
  it('holds the whole run, its identity and nothing to fill in', async () => {
    const { script, tokens } = await pytorchScript(RUNS.b1, language, 'none');
    const spec = specIn(script);
    expect(tokens).toBeUndefined();
    expect(script).not.toContain('@SPEC@');
    const { name, arm: own, role, corpus, training, finalWindows, testWindows } = RUNS.b1;
    expect(spec).toMatchObject({ name, arm: own, role, corpus, training, finalWindows, testWindows });
    expect(spec.model).toMatchObject(RUNS.b1.model);
    expect(spec.id).toMatch(/^[0-9a-f]{20}$/);
  });

  it('puts the tokens of a text beside it, in the order of its parts', async () => {
    const place = await folder();
    await writeFile(join(place, 'text.txt'), 'The words "of" a \\ text. '.repeat(40));
    const text = await openTextFile(join(place, 'text.txt'), { testShare: 0.05 });
    const spec = { ...RUNS.b1, corpus: { name: 'tiny-shakespeare', testShare: 0.05 } as const };
    const path = join(place, 'run.py');
    const [, beside] = await exportRun(spec, text, path);
    const bytes = await readFile(beside);
    const ids = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    const { data } = specIn(await readFile(path, 'utf8')) as { data: Record<string, number> };
    expect([data.training, data.validation, data.test]).toEqual([
      text.trainingTokens,
      text.validationTokens,
      text.testTokens,
    ]);
    expect([...ids.subarray(data.training, data.training + 5)]).toEqual([
      ...text.ids('validation').subarray(0, 5),
    ]);
  });

  it('refuses what train.py would train otherwise', async () => {
    const { model } = RUNS.b1;
    const with4Bits = { ...model, bitlm: { ...model.bitlm!, weight_quantizer: 'absmax-4bit' as const } };
    await expect(pytorchScript({ ...RUNS.b1, model: with4Bits }, language, '')).rejects.toThrow(
      'export run: weight_quantizer must be one of none, absmean-ternary, sign, got "absmax-4bit".',
    );
    const grouped = { ...model, bitlm: { ...model.bitlm!, weight_groups: 2 } };
    await expect(pytorchScript({ ...RUNS.b1, model: grouped }, language, '')).rejects.toThrow(
      'weight_groups',
    );
    await expect(exportRun(RUNS.b1, language, 'run.txt')).rejects.toThrow('the output must end in .py');
  });
});

describe('readExportedRun', () => {
  it('reads what the script writes, marked as another backend and version', async () => {
    const path = join(await folder(), 'run.json');
    const { evaluations: _, ...spec } = RUNS.b1;
    const run = {
      id: 'abc',
      ...spec,
      validationLoss: 2,
      validationTokens: 6,
      parameters: 1,
      curve: [],
      seconds: 1,
      backend: { name: 'PyTorch on cpu', version: '2.15.0', threads: 1 },
      versions: { project: '0.2.1', node: 'none', packages: { torch: '2.15.0' } },
    };
    await writeFile(path, JSON.stringify(run));
    expect(versionOf(await readExportedRun(path))).toBe('version 0.2.1 (PyTorch 2.15.0)');
    await writeFile(path, JSON.stringify({ ...run, validationLoss: null }));
    await expect(readExportedRun(path)).rejects.toThrow('validationLoss must be a number from 0');
    await writeFile(path, '{"id":');
    await expect(readExportedRun(path)).rejects.toThrow('a run must have id, arm and model');
  });
});

const python = process.env.BITNET_TORCH_PYTHON;

describe.skipIf(python === undefined)('an exported script in PyTorch (BITNET_TORCH_PYTHON)', () => {
  it.each(Object.keys(RUNS))('%s: the golden losses', { timeout: 300_000 }, async (name) => {
    const path = join(await folder(), 'run.py');
    await exportRun(RUNS[name], language, path);
    const { stdout } = await promisify(execFile)(python!, [path, '--steps', '20', '--device', 'cpu']);
    const losses = JSON.parse(stdout) as number[];
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - golden[name][step]), `step ${step + 1}`).toBeLessThan(step < 4 ? 2e-5 : 2e-2);
    });
  });
});
