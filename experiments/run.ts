/**
 * The command line: npm run experiment -- NAME --preset smoke|laptop|full [--only TEXT] [--threads N] [--record]
 * Runs go on where they stopped and finished ones are skipped, so the command may be given again at any time.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTraining, openTinyShakespeare, type Corpus, type Training } from '@bitnet-notebooks/lib';
import { finalRuns, firstRuns } from './bitlm.js';
import { circumstances, runsFolder, writeRecorded, type RecordedRun } from './recorded.js';
import { PRESETS, type Preset, type RunSpec } from './run-spec.js';
import { trainRun } from './train-run.js';

const EXPERIMENTS = ['bitlm'];
const USAGE = `Usage: npm run experiment -- NAME --preset ${PRESETS.join('|')} [--only TEXT] [--threads N] [--record]
  NAME      ${EXPERIMENTS.join(', ')}
  --only    runs whose name contains TEXT
  --threads threads for one operation, 1 by default
  --record  writes experiments/results/NAME.json once every run is done`;

/** Seconds between two lines of progress. */
const PROGRESS_SECONDS = 10;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      preset: { type: 'string', default: 'smoke' },
      only: { type: 'string', default: '' },
      threads: { type: 'string', default: '1' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [name] = positionals;
  if (values.help || name === undefined) return console.log(USAGE);
  if (!EXPERIMENTS.includes(name))
    throw new Error(`unknown experiment: ${name}. There is ${EXPERIMENTS.join(', ')}.`);
  const preset = PRESETS.find((known) => known === values.preset);
  if (!preset) throw new Error(`unknown preset: ${values.preset}. There is ${PRESETS.join(', ')}.`);

  const training = await loadTraining({ threads: Number(values.threads) });
  console.log(training.backend.note);
  const corpus = await openTinyShakespeare();
  const stop = new AbortController();
  process.once('SIGINT', () => {
    console.log('Stopping after this step; the same command goes on from here.');
    stop.abort();
  });
  const results = await runAll(training, corpus, name, preset, values.only, stop.signal);
  for (const { name, validationLoss, seconds } of results) {
    console.log(`${name.padEnd(40)} validation loss ${validationLoss.toFixed(4)}  ${seconds.toFixed(0)} s`);
  }
  if (values.record) {
    const path = await writeRecorded({
      experiment: name,
      preset,
      command: `npm run experiment -- ${name} --preset ${preset} --record`,
      ...circumstances(),
      backend: training.backend,
      data: { name: corpus.name, sha256: corpus.hash },
      runs: results,
    });
    console.log(`Recorded in ${path}`);
  }
}

async function runAll(
  training: Training,
  corpus: Corpus,
  experiment: string,
  preset: Preset,
  only: string,
  signal: AbortSignal,
): Promise<RecordedRun[]> {
  const done: RecordedRun[] = [];
  const run = async (specs: RunSpec[]): Promise<void> => {
    for (const spec of specs.filter((candidate) => candidate.name.includes(only))) {
      const folder = join(runsFolder(experiment, preset), spec.name);
      const result = await trainRun(training, corpus, spec, folder, { signal, onPoint: progress(spec) });
      if (!result) return;
      done.push({ name: spec.name, arm: spec.arm, role: spec.role, training: spec.training, ...result });
    }
  };
  await run(firstRuns(preset));
  if (!signal.aborted) await run(finalRuns(preset, (arm) => bestRate(done, arm)));
  return done;
}

/** The learning rate whose tuning run ended lowest; where an arm was left out by --only, there is nothing to choose. */
function bestRate(done: readonly RecordedRun[], arm: string): number {
  const tuned = done.filter((run) => run.arm === arm && run.role === 'tune');
  if (tuned.length === 0) return 0;
  return tuned.reduce((best, run) => (run.validationLoss < best.validationLoss ? run : best)).training
    .schedule.peak;
}

/** Prints a line now and then: where the run stands and what is left. */
function progress(
  spec: RunSpec,
): (point: { step: number; trainLoss: number; validationLoss?: number; seconds: number }) => void {
  let next = 0;
  return ({ step, trainLoss, validationLoss, seconds }) => {
    if (validationLoss === undefined && seconds < next) return;
    next = seconds + PROGRESS_SECONDS;
    const left = (seconds / step) * (spec.training.steps - step);
    const validation = validationLoss === undefined ? '' : `  validation ${validationLoss.toFixed(4)}`;
    console.log(
      `${spec.name}  step ${step}/${spec.training.steps}  train ${trainLoss.toFixed(4)}${validation}  ` +
        `${seconds.toFixed(0)} s, ${left.toFixed(0)} s left`,
    );
  };
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
