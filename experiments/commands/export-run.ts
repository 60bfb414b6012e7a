/**
 * npm run export-run -- GRID ARM --width W --steps S --rate R [--layers L] [--seed N] --output RUN.py: one cell of a grid of the scaling law, in the
 * grid or beyond it, as a PyTorch script that trains it and writes the same results.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exportRun } from '../pytorch/export-run.js';
import { cellRun } from '../scaling-law/grid.js';
import { gridsOf } from '../scaling-law/grids.js';
import { findNamed } from '../sweep/find-named.js';
import { openCorpusOf } from '../sweep/open-corpus.js';

const USAGE =
  'Usage: npm run export-run -- GRID ARM --width W --steps S --rate R [--layers L] [--seed N] --output RUN.py\n' +
  'GRID and ARM as in the names of the runs, such as zipf1.5 and b1.58, or union and preln-swiglu.';

function numberOf(name: string, text: string | undefined, isWhole = true): number {
  const value = Number(text);
  if (text !== undefined && value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value)))
    return value;
  throw new Error(`export run: --${name} must be a ${isWhole ? 'whole ' : ''}number above 0, got ${text}.`);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { width: text, layers: text, steps: text, rate: text, seed: text, output: text },
  });
  const grid = findNamed('export run: the grid', gridsOf('full').grids, positionals[0]);
  const arm = findNamed('export run: the arm', grid.arms, positionals[1]);
  if (values.output === undefined) throw new Error(`export run: --output must be given.`);
  const spec = cellRun(grid, arm, {
    shape: {
      width: numberOf('width', values.width),
      layers: numberOf('layers', values.layers ?? String(grid.cells[0].shape.layers)),
    },
    steps: numberOf('steps', values.steps),
    peak: numberOf('rate', values.rate, false),
    seed: numberOf('seed', values.seed ?? '1'),
  });
  const paths = await exportRun(spec, await openCorpusOf(spec.corpus), resolve(values.output));
  console.log(`${spec.name}: ${paths.join(' and ')}. Train it: python ${values.output}`);
}

try {
  await main();
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 1;
}
