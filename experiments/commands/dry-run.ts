import { loadTraining, type Training } from '@bitnet-notebooks/lib';
import type { Experiment } from '../sweep/experiment.js';
import { openCorpusOf } from '../sweep/open-corpus.js';
import { runId, type Preset, type RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { sweepSeconds, type PlannedRun } from './sweep-cost.js';
import { duration } from './sweep-display.js';

/** Steps that a shape is timed over, and steps before that which are not counted. */
const TIMED_STEPS = 5;
const WARMUP_STEPS = 3;

/** Numbers of cores that the time is told for, beside the one asked for. */
const CORES = [1, 2, 4, 8, 16, 64, 100];

/** Prints the runs of an experiment and their cost, from steps of every shape measured here. */
export async function dryRun(
  experiment: Experiment,
  preset: Preset,
  { only, workers }: { only?: (spec: RunSpec) => boolean; workers: number },
): Promise<void> {
  const planned = allRuns(experiment, preset).filter(({ spec }) => only?.(spec) ?? true);
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

/**
 * All runs, with made-up results for the tuning runs: the middle of every grid wins. A run that is listed for two arms
 * is carried out once.
 */
function allRuns(experiment: Experiment, preset: Preset): { spec: RunSpec; round: number }[] {
  const finished = new Map<string, FinishedRun>();
  const all: { spec: RunSpec; round: number }[] = [];
  for (let round = 0; ; round++) {
    const specs = experiment.runs(preset, [...finished.values()]);
    const fresh = [...new Map(specs.map((spec) => [runId(spec), spec])).entries()].filter(
      ([id]) => !finished.has(id),
    );
    if (fresh.length === 0) return all;
    all.push(...fresh.map(([, spec]) => ({ spec, round })));
    const groups = new Map<string, [string, RunSpec][]>();
    for (const entry of fresh) {
      const key = `${entry[1].arm} ${shapeKey(entry[1])} ${entry[1].training.steps}`;
      groups.set(key, [...(groups.get(key) ?? []), entry]);
    }
    for (const group of groups.values()) {
      group.sort(([, a], [, b]) => a.training.schedule.peak - b.training.schedule.peak);
      group.forEach(([id, spec], at) =>
        finished.set(id, madeUp(id, spec, Math.abs(at - (group.length - 1) / 2))),
      );
    }
  }
}

function madeUp(id: string, spec: RunSpec, validationLoss: number): FinishedRun {
  const backend = { name: '', version: '', threads: 1 };
  return { id, ...spec, validationLoss, validationTokens: 0, parameters: 0, curve: [], seconds: 0, backend };
}

function shapeKey({ corpus, model, training: { batch, context } }: RunSpec): string {
  return JSON.stringify([corpus, model, batch, context]);
}

/** A validation token costs a third of a trained one: it has no backward pass. */
function stepsWithEvaluation({ training }: RunSpec): number {
  const { steps, evaluateEvery, validationWindows, batch } = training;
  return steps + (Math.ceil(steps / evaluateEvery) * validationWindows) / (3 * batch);
}

async function measureStep(training: Training, spec: RunSpec): Promise<number> {
  const corpus = await openCorpusOf(spec.corpus);
  const model = training.createModel(spec.model, 1);
  const steps = WARMUP_STEPS + TIMED_STEPS;
  const schedule = {
    kind: 'linear',
    peak: 1e-4,
    minimum: 0,
    warmupSteps: 0,
    totalSteps: steps,
    weightDecay: 0,
  } as const;
  const options = { ...spec.training, steps, schedule, evaluateEvery: steps, validationWindows: 1 };
  const times: number[] = [];
  const { batch, context } = spec.training;
  try {
    for await (const { tokensPerSecond } of training.train(model, corpus, options)) {
      times.push((batch * context) / tokensPerSecond);
    }
  } finally {
    model.dispose();
  }
  return times.slice(WARMUP_STEPS).sort((a, b) => a - b)[TIMED_STEPS >> 1];
}
