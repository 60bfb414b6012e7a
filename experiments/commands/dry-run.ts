import { loadTraining, type Training } from '@bitnet-notebooks/lib';
import type { Experiment } from '../sweep/experiment.js';
import { openCorpusOf } from '../sweep/open-corpus.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import { plannedRuns, shapeKey } from './planned-runs.js';
import { sweepSeconds, type PlannedRun } from './sweep-cost.js';
import { duration } from '../sweep/duration.js';

/** Steps that a shape is timed over, and steps before that which are not counted: the first make one call of a step. */
const TIMED_STEPS = 5;
const WARMUP_STEPS = 5;

/** Numbers of cores that the time is printed for, beside the one asked for. */
const CORES = [1, 2, 4, 8, 16, 64, 100];

/** Prints the runs of an experiment and their cost, from steps of every shape measured here. */
export async function dryRun(
  experiment: Experiment,
  preset: Preset,
  { only, workers }: { only?: (spec: RunSpec) => boolean; workers: number },
): Promise<void> {
  const planned = plannedRuns(experiment, preset).filter(({ spec }) => only?.(spec) ?? true);
  const training = await loadTraining({ threads: 1 });
  const stepSeconds = new Map<string, number>();
  const runs: PlannedRun[] = [];
  for (const { spec, round } of planned) {
    const shape = shapeKey(spec);
    if (!stepSeconds.has(shape)) stepSeconds.set(shape, await measureStep(training, spec));
    const seconds = stepSeconds.get(shape)! * stepsWithEvaluation(spec);
    runs.push({ seconds, arm: `${spec.corpus.name} ${spec.arm}`, round });
    const { steps, schedule } = spec.training;
    console.log(
      `${spec.name.padEnd(44)} ${spec.role.padEnd(6)} ${String(steps).padStart(6)} steps  ` +
        `${(1000 * stepSeconds.get(shape)!).toFixed(1).padStart(7)} ms/step  ${duration(seconds).padStart(7)}  ` +
        `learning rate ${spec.role === 'tune' ? schedule.peak : 'as tuned'}`,
    );
  }
  console.log(
    `${runs.length} runs. Runs that tuning adds beyond its grid, and the start of workers or jobs, come on top.`,
  );
  const cores = [...new Set([...CORES, workers])].sort((a, b) => a - b);
  const times = cores.map((count) => duration(sweepSeconds(runs, count)));
  console.log(`cores ${cores.map((count) => String(count).padStart(9)).join('')}`);
  console.log(`time  ${times.map((time) => time.padStart(9)).join('')}`);
}

/** A validation token costs a third of a trained one: it has no backward pass. */
function stepsWithEvaluation({ training }: RunSpec): number {
  const { steps, evaluateEvery, validationWindows, batch } = training;
  return steps + (Math.ceil(steps / evaluateEvery) * validationWindows) / (3 * batch);
}

/** Of the processor's time: on a busy machine that of the clock is others' as well. */
async function measureStep(training: Training, spec: RunSpec): Promise<number> {
  const corpus = await openCorpusOf(spec.corpus);
  const model = training.createModel(spec.model, 1);
  // As long as the run: a short one stays eager. It is left after a few steps.
  const options = { ...spec.training, evaluateEvery: spec.training.steps, validationWindows: 1 };
  const times: number[] = [];
  try {
    let before = process.cpuUsage();
    for await (const _ of training.train(model, corpus, options)) {
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1e6);
      if (times.length === WARMUP_STEPS + TIMED_STEPS) break;
      before = process.cpuUsage();
    }
  } finally {
    model.dispose();
  }
  const timed = times.slice(WARMUP_STEPS).sort((a, b) => a - b);
  return (timed.length > 0 ? timed : times)[timed.length >> 1];
}
