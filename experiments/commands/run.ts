/**
 * The command line: npm run experiment -- NAME --preset smoke|laptop|full [--only TEXT] [--dry-run] [--record]
 * Runs go on where they stopped and finished ones are skipped, so the command may be given again at any time.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dryRun } from './dry-run.js';
import { openEngine } from './open-engine.js';
import type { Experiment } from '../sweep/experiment.js';
import { EXPERIMENTS, findExperiment } from '../experiments.js';
import { designOf, earlierDesignsOf } from '../record/design.js';
import { recordedAsFinished, soFar } from '../record/extend.js';
import { requireNotSmaller } from '../record/smaller-record.js';
import { requireOneVersion, tableByVersion } from '../sweep/versions.js';
import { plannedRuns } from './planned-runs.js';
import { findRecorded, recordResults, RUNS_FOLDER, type RecordedResults } from '../record/recorded.js';
import { PRESETS, type Preset, type RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { onStopSignal } from './stop-signal.js';
import { SweepDisplay } from './sweep-display.js';
import { sweep, type SweepOptions } from '../sweep/sweep.js';

const USAGE = `Usage: npm run experiment -- NAME --preset ${PRESETS.join('|')} [options]
  NAME            ${EXPERIMENTS.map(({ name }) => name).join(', ')}
  --only TEXT     only runs whose name or arm contains TEXT; more than once for more
  --workers N     runs at once, one thread each; as many as there are cores by default
  --runs FOLDER   where the runs' folders lie; experiments/runs by default. With --engine ray a folder that all machines
                  see under this path, so that runs go on from their checkpoints on another machine
  --engine ray    on the machines of a Ray cluster instead of this one, with --address http://HEAD:8265
  --cancel        with --engine ray: Ctrl-C stops the jobs; by default they go on, and the same command finds them
  --any-backend   with --engine ray: takes machines with another backend; results then agree to rounding only
  --dry-run       prints the runs and what they cost, from measured steps; trains nothing
  --record        writes experiments/results/NAME.json once every run is done
  --replace       with --record: also in the place of a larger record
  --extend        with --record: runs that the record holds count as finished, and what has ended is recorded also where
                  others are still to come (after Ctrl-C, or with --only); the same command goes on another day
Ctrl-C and SIGTERM finish the running steps and save them. In a container: node experiments/dist/commands/run.js NAME …,
since the shell that npm starts keeps the SIGTERM of docker stop to itself.`;

const STOPPING = 'Stopping: running steps are finished and saved. The same command goes on from here.';

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        preset: { type: 'string', default: 'smoke' },
        only: { type: 'string', multiple: true },
        workers: { type: 'string' },
        runs: { type: 'string' },
        engine: { type: 'string', default: 'local' },
        address: { type: 'string' },
        cancel: { type: 'boolean', default: false },
        'any-backend': { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        replace: { type: 'boolean', default: false },
        extend: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // Its text ends in advice on Node's own conventions.
    const [said] = error instanceof Error ? error.message.split('.') : ['unreadable arguments'];
    throw new Error(`experiment: ${said}.\n${USAGE}`, { cause: error });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  const [name, ...others] = positionals;
  if (values.help || name === undefined) return console.log(USAGE);
  if (others.length > 0)
    throw new Error(`experiment: one experiment must be named, got ${positionals.join(', ')}.`);
  const experiment = findExperiment(name);
  const preset = PRESETS.find((known) => known === values.preset);
  if (!preset)
    throw new Error(`experiment: the preset must be one of ${PRESETS.join(', ')}, got ${values.preset}.`);
  const only = chosen(values.only);
  if (values.extend && !values.record)
    throw new Error('experiment: --extend must stand beside --record, got it alone. Add --record.');
  if (only && values.record && !values.extend) {
    throw new Error(
      'experiment: --record needs all runs, got --only beside it. Leave one of them out, or add --extend.',
    );
  }
  checkOnly(experiment, preset, values.only ?? [], only);
  if (values.record) await checkRecord(experiment, preset, values.replace);
  const workers = values.workers === undefined ? undefined : Number(values.workers);
  const runs = values.runs === undefined ? undefined : resolve(values.runs);
  const { address, cancel, 'any-backend': anyBackend } = values;
  const engine = await openEngine({ engine: values.engine, address, workers, runs, cancel, anyBackend });
  if (values['dry-run']) {
    await engine.close();
    return dryRun(experiment, preset, { only, workers: engine.slots });
  }
  const recorded = values.extend ? await findRecorded(experiment.name) : undefined;
  const known = values.extend ? recordedAsFinished(recorded) : undefined;
  await runAll(
    experiment,
    preset,
    { engine, folder: runs ?? RUNS_FOLDER, known, only },
    { ...values, recorded },
  );
}

interface RecordArguments {
  record: boolean;
  replace: boolean;
  extend: boolean;
  /** The record that --extend goes on with. */
  recorded?: RecordedResults;
}

async function runAll(
  experiment: Experiment,
  preset: Preset,
  options: SweepOptions,
  { record, replace, extend, recorded }: RecordArguments,
): Promise<void> {
  const stop = new AbortController();
  const endListening = onStopSignal(() => {
    display.say(options.engine.stopping ?? STOPPING);
    stop.abort();
  });
  const display = new SweepDisplay(`${experiment.name}, ${preset}`);
  try {
    const events = sweep(experiment, preset, { ...options, signal: stop.signal });
    let next = await events.next();
    const seen: FinishedRun[] = [];
    for (; !next.done; next = await events.next()) {
      display.show(next.value);
      if (!record || next.value.kind !== 'finished') continue;
      // Fails at the first run that does not fit, not after the last.
      seen.push(next.value.run);
      requireOneVersion(`record ${experiment.name}`, seen);
      designOf(experiment, [next.value.run], recorded);
    }
    display.close();
    const { finished, failed, stopped } = next.value;
    for (const line of tableByVersion(experiment, finished)) console.log(line);
    const backends = new Set(finished.map(({ backend: { name, version } }) => `${name} ${version}`));
    if (backends.size > 1)
      console.log(`Computed by ${[...backends].join(' and ')}: results of these agree to rounding only.`);
    for (const { spec, error } of failed) console.error(`${spec.name} failed: ${error.message}`);
    const isWhole = failed.length === 0 && !stopped;
    if (!isWhole) process.exitCode = 1;
    if (record && (isWhole || extend)) {
      const { runs, missing } = soFar(experiment, preset, [...(options.known?.values() ?? []), ...finished]);
      const design = designOf(experiment, runs, recorded);
      const earlierDesigns = earlierDesignsOf(recorded, design);
      const path = await recordResults(experiment, preset, runs, {
        design,
        earlierDesigns,
        missing,
        replace,
      });
      console.log(`Recorded in ${path}${missing > 0 ? `; ${missing} runs or more are still to come` : ''}`);
    }
  } finally {
    stop.abort();
    display.close();
    await options.engine.close();
    endListening();
  }
}

function chosen(texts: readonly string[] | undefined): ((spec: RunSpec) => boolean) | undefined {
  return texts && (({ name, arm }) => texts.some((text) => name.includes(text) || arm.includes(text)));
}

/** A record without a design, or in the place of a larger one, is refused before the first run, not after the last. */
async function checkRecord(experiment: Experiment, preset: Preset, replace: boolean): Promise<void> {
  designOf(experiment, []);
  const recorded = await findRecorded(experiment.name);
  if (!recorded || replace) return;
  const planned = plannedRuns(experiment, preset).map(({ spec }) => spec);
  requireNotSmaller(experiment.name, recorded.runs, planned);
}

/** A text that fits nothing is a slip of the pen: say what there is. */
function checkOnly(
  experiment: Experiment,
  preset: Preset,
  texts: readonly string[],
  only: ((spec: RunSpec) => boolean) | undefined,
): void {
  const specs = experiment.runs(preset, []);
  if (!only || specs.some(only)) return;
  const arms = [...new Set(specs.map(({ arm }) => arm))];
  throw new Error(
    `experiment: --only must fit a run of ${experiment.name}, got ${texts.join(', ')}. Arms: ${arms.join(', ')}.`,
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
