/**
 * npm run train-writer -- [--passes 8] [--rate R --full-rate R] [--output data/bitlm-union]: trains a ternary model of the State of the Union and
 * its full-precision twin, packs the ternary one and lays text of both beside it. It may be stopped and goes on; hours on one core.
 */
import { resolve, join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTraining } from '@bitnet-notebooks/lib';
import { findRecorded, RUNS_FOLDER } from '../record/recorded.js';
import { gridsOf } from '../scaling-law/grids.js';
import { trainWriter, writerRuns } from '../scaling-law/writer.js';
import { CLONE } from '../sweep/commit.js';
import { openCorpusOf } from '../sweep/open-corpus.js';
import { onStopSignal } from './stop-signal.js';

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`train writer: --${name} must be a number above 0, got ${text}.`);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { passes: { ...text, default: '8' }, rate: text, 'full-rate': text, output: text, runs: text },
  });
  const grid = gridsOf('full').grids.find(({ name }) => name === 'union')!;
  const [rate, fullRate] = [numberOf('rate', values.rate), numberOf('full-rate', values['full-rate'])];
  const rates = { ...(rate && { 'b1.58': rate }), ...(fullRate && { 'full-precision': fullRate }) };
  const recorded = (await findRecorded('scaling-law'))?.runs ?? [];
  const runs = writerRuns(grid, recorded, { passes: numberOf('passes', values.passes)!, rates });
  const stop = new AbortController();
  const endListening = onStopSignal(() => stop.abort());
  try {
    const training = await loadTraining({ threads: 2 });
    const corpus = await openCorpusOf(grid.corpus);
    const found = await trainWriter(training, corpus, runs, {
      runsFolder: values.runs === undefined ? RUNS_FOLDER : resolve(values.runs),
      output: values.output === undefined ? join(CLONE, 'data', 'bitlm-union') : resolve(values.output),
      signal: stop.signal,
      onNote: (note) => console.log(note),
    });
    if (found === undefined) {
      process.exitCode = 1;
      return console.log('Stopped; the same command goes on from there.');
    }
    for (const { arm, opening, text } of found.samples) console.log(`\n${arm}: ${opening}${text}`);
    console.log(`\nBits per byte on test: ${JSON.stringify(found.bitsPerByte)}`);
  } finally {
    endListening();
  }
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
