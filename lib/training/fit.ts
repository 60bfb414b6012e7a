/** One call that trains: it draws while it runs, stops on ■, goes on when it is called again, and saves. */
import { inspect } from 'node:util';
import type { Corpus } from '../corpora/corpus.js';
import { quote } from '../io/quote.js';
import { lossCurves } from '../plots/charts/loss-curves.js';
import type { Figure } from '../plots/figure.js';
import { liveFigure } from '../plots/notebook.js';
import { readRunConfig } from '../runs/run-config-file.js';
import { MemoryRun } from '../runs/memory-run.js';
import { stableJson } from '../runs/run-config.js';
import { readRun } from '../runs/open-run.js';
import { abortOnInterrupt } from './interrupt.js';
import { finalStatus, grouped, status, summary } from './fit-status.js';
import type { TrainableModel, TrainingOptions, TrainingPoint } from './types.js';

/** Options of {@link fit}; everything has a default. */
export interface FitOptions extends Partial<TrainingOptions> {
  /** Highest learning rate of a cosine with a tenth of warm-up, in the place of `schedule`; 3e-3 by default. */
  rate?: number;
  /** Run folder: the run is saved there, and goes on from there. Without one it goes on as long as the kernel lives. */
  folder?: string;
  /** What the chart calls this run. */
  name?: string;
  /** Runs that are drawn beside this one: what earlier calls of `fit` returned. */
  beside?: readonly FittedRun[];
  /** Stops the run after the current step, as ■ does. */
  signal?: AbortSignal;
}

/** What {@link fit} returns. */
export interface FittedRun {
  name: string;
  /** Steps done, and steps in all. */
  done: number;
  steps: number;
  /** A point for every step, from the first on. */
  points: TrainingPoint[];
  folder?: string;
}

/** The options of a run without those that a longer run may change. */
type Given = Omit<FitOptions, 'steps' | 'folder' | 'name' | 'beside' | 'signal'>;

interface Session {
  /** What the run was asked for, as text. */
  key: string;
  options: TrainingOptions;
  run: MemoryRun<TrainingPoint>;
}

/** Runs in memory by their model. */
const sessions = new WeakMap<TrainableModel, Session>();
const inTraining = new WeakSet<TrainableModel>();

/** An evaluation costs as much as a few steps. */
const LEAST_BETWEEN_EVALUATIONS = 10;

/**
 * Trains a model and draws its losses while it learns. ■ stops it after the current step; called again with the same
 * model and options (or in the same folder) it goes on where it was, also to more steps than before.
 * @throws DivergedError, RunFolderError, or Error for options that contradict model or corpus
 */
export async function fit(
  model: TrainableModel,
  corpus: Corpus,
  options: FitOptions = {},
): Promise<FittedRun> {
  requireTrainable(model);
  inTraining.add(model);
  try {
    return await fitNow(model, corpus, options);
  } finally {
    inTraining.delete(model);
  }
}

async function fitNow(model: TrainableModel, corpus: Corpus, options: FitOptions): Promise<FittedRun> {
  const { name = 'training', beside = [], folder, signal, steps = 1000, ...given } = options;
  checkFit(given, steps);
  const session = folder === undefined ? sessionOf(model, corpus, given, steps) : undefined;
  const training = session?.options ?? (await optionsInFolder(folder!, model, given, steps));
  const stop = AbortSignal.any([abortOnInterrupt(), ...(signal ? [signal] : [])]);
  const { train } = await import('./train.js');
  const live = liveFigure();
  const points: TrainingPoint[] = [];
  const chart = (subtitle: string): Figure =>
    lossCurves([...beside, { name, points }], { title: 'Loss over training', subtitle });
  const before = session ? session.run.points.length : await stepsInFolder(folder!);
  try {
    const run = { folder, signal: stop };
    for await (const point of train(model, corpus, training, run, session?.run)) {
      points.push(point);
      live.update(() => chart(status(points, steps)));
    }
  } finally {
    if (points.length > 0) live.finish(chart(finalStatus(points, steps)));
  }
  const done = points.at(-1)?.step ?? 0;
  console.log(summary(points, steps, done === before && done > 0));
  const fitted: FittedRun = { name, done, steps, points, ...(folder !== undefined && { folder }) };
  // A cell that ends with the call prints what it returns: a line then, not thousands of points.
  Object.defineProperty(fitted, inspect.custom, {
    value: () => `${name}: ${grouped(done)} of ${grouped(steps)} steps`,
  });
  return fitted;
}

/** What the schedule is made from; all else is checked by the training itself. */
function checkFit({ rate }: Given, steps: number): void {
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    throw new Error(`fit: rate must be a number above 0, got ${rate}.`);
  }
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new Error(`fit: steps must be a whole number from 1, got ${steps}.`);
  }
}

function requireTrainable(model: TrainableModel): void {
  if (typeof model !== 'object' || model === null || !('parameterCount' in model)) {
    throw new Error(
      `fit: the model must come from createModel or openModel, got ${quote(model, 60)}. Write fit(model, corpus).`,
    );
  }
  if (inTraining.has(model)) {
    throw new Error(
      'fit: a model must be trained by one call at a time, got a second one. Stop the first, ■.',
    );
  }
}

/** The run of a model in memory: the one that it stopped in, where it was asked for the same. */
function sessionOf(model: TrainableModel, corpus: Corpus, given: Given, steps: number): Session {
  const key = stableJson({ given, corpus: corpus.hash });
  const earlier = sessions.get(model);
  const goesOn = earlier?.key === key;
  const run = goesOn ? earlier.run : new MemoryRun<TrainingPoint>();
  const options = goesOn
    ? { ...earlier.options, steps: Math.max(steps, run.checkpointStep ?? 0) }
    : trainingOptions(model, given, steps);
  run.reopen(steps);
  const session = { key, options, run };
  sessions.set(model, session);
  return session;
}

/** Steps that the run in a folder has done; 0 where there is none, or none that can be read. */
async function stepsInFolder(folder: string): Promise<number> {
  const run = await readRun(folder).catch(() => undefined);
  return run?.points.at(-1)?.step ?? 0;
}

/** Options for a folder: those of the run in it, if it was asked for the same but for its steps. */
async function optionsInFolder(
  folder: string,
  model: TrainableModel,
  given: Given,
  steps: number,
): Promise<TrainingOptions> {
  const wanted = trainingOptions(model, given, steps);
  const stored = await readRunConfig(folder).catch(() => undefined);
  if (!stored) return wanted;
  const training = stored.training as Omit<TrainingOptions, 'seeds'>;
  // What follows from the number of steps was made for those that the run began with.
  const isSame = [training.steps, training.schedule.totalSteps].some((first) => {
    const { seeds: _, ...again } = { ...trainingOptions(model, given, first), steps: training.steps };
    return stableJson(again) === stableJson(training);
  });
  return isSame ? { ...training, seeds: wanted.seeds, steps } : wanted;
}

/** All options of a run from those that were given. */
function trainingOptions(model: TrainableModel, given: Given, steps: number): TrainingOptions {
  const { rate, schedule, ...others } = given;
  if (rate !== undefined && schedule !== undefined) {
    throw new Error(
      'fit: rate and schedule must not both be given, since a schedule holds its rates. Leave one out.',
    );
  }
  const peak = rate ?? 3e-3;
  return {
    batch: 12,
    context: Math.min(64, model.config.max_position_embeddings),
    schedule: schedule ?? {
      kind: 'cosine',
      peak,
      minimum: peak / 10,
      warmupSteps: Math.floor(steps / 10),
      totalSteps: steps,
      weightDecay: 0.1,
    },
    evaluateEvery: Math.max(LEAST_BETWEEN_EVALUATIONS, Math.ceil(steps / 20)),
    validationWindows: 128,
    diagnostics: true,
    seeds: { weights: 1, batches: 1 },
    ...others,
    steps,
  };
}
