/** Runs laid over each other: what fit returns, run folders, recorded runs and points in memory alike. */
import { basename, resolve } from 'node:path';
import { quote } from '../io/quote.js';
import { lineFigure } from '../plots/charts/line-figure.js';
import { lossCurves } from '../plots/charts/loss-curves.js';
import type { Figure } from '../plots/figure.js';
import { show } from '../plots/notebook.js';
import { readRun } from '../runs/open-run.js';
import { schedule, type ScheduleOptions } from './schedule.js';
import type { Diagnostics } from './types.js';

/** What `compare` draws. */
const COMPARED = [
  'loss',
  'learning rate',
  'gradient norm',
  'flips',
  'zeros',
  'activation zeros',
  'integer zeros',
] as const;
export type Compared = (typeof COMPARED)[number];

/** A point of a run, as far as it is drawn. */
export interface ComparedPoint {
  step: number;
  trainLoss?: number | null;
  validationLoss?: number | null;
  learningRate?: number | null;
  gradientNorm?: number | null;
  diagnostics?: Partial<Diagnostics>;
}

/**
 * A run to compare: a run folder's path, what `fit` returns, a recorded run (`arm` and `curve`), or points with a name.
 */
export type ComparedRun =
  | string
  | readonly ComparedPoint[]
  | {
      name?: string;
      arm?: string;
      points?: readonly ComparedPoint[];
      curve?: readonly ComparedPoint[];
      /** A recorded run's options: its learning rate by step follows from the schedule. */
      training?: { schedule?: ScheduleOptions };
    };

/** Options of {@link compare}. */
export interface CompareOptions {
  /** What to draw, a chart each; the loss by default. */
  what?: Compared | readonly Compared[];
  /**
   * Smooths training loss and gradient norm: the share of the mean of earlier steps in each value, from 0 (as measured,
   * the default) to below 1.
   */
  smoothing?: number;
  title?: string;
}

interface NamedRun {
  name: string;
  points: readonly ComparedPoint[];
}

/** Title, unit and value of everything but the loss. */
const QUANTITIES: Record<
  Exclude<Compared, 'loss'>,
  { title: string; unit: string; value: (point: ComparedPoint) => number | null | undefined }
> = {
  'learning rate': { title: 'Learning rate', unit: '', value: ({ learningRate }) => learningRate },
  'gradient norm': { title: 'Norm of the gradient', unit: '', value: ({ gradientNorm }) => gradientNorm },
  flips: {
    title: 'Quantized weights changed by a step',
    unit: '%',
    value: ({ diagnostics }) => percent(diagnostics?.flips),
  },
  zeros: {
    title: 'Zeros among quantized weights',
    unit: '%',
    value: ({ diagnostics }) => percent(diagnostics?.zeros),
  },
  'activation zeros': {
    title: 'Exact zeros before the down projections',
    unit: '%',
    value: ({ diagnostics }) => percent(diagnostics?.activationZeros),
  },
  'integer zeros': {
    title: 'Zeros among the integers before the down projections',
    unit: '%',
    value: ({ diagnostics }) => percent(diagnostics?.integerZeros),
  },
};

/**
 * Shows runs over each other, a chart for each quantity.
 * @throws Error for something that is no run, and where no run has what is asked for; RunFolderError for a folder that is
 *   no run
 */
export async function compare(runs: readonly ComparedRun[], options: CompareOptions = {}): Promise<void> {
  for (const figure of await comparedFigures(runs, options)) show(figure);
}

/** The charts that {@link compare} shows. */
export async function comparedFigures(
  runs: readonly ComparedRun[],
  options: CompareOptions = {},
): Promise<Figure[]> {
  const { what = 'loss', smoothing = 0, title } = options;
  const wanted = typeof what === 'string' ? [what] : what;
  for (const one of wanted) {
    if (COMPARED.includes(one)) continue;
    throw new Error(`compare: what must be one of ${COMPARED.join(', ')}, got ${quote(one)}.`);
  }
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new Error(`compare: smoothing must lie from 0 to below 1, got ${quote(smoothing)}.`);
  }
  if (!Array.isArray(runs) || runs.length === 0) {
    throw new Error(`compare: must get a list of runs, got ${quote(runs, 60)}. Write compare([run, other]).`);
  }
  const named = distinctNames(await Promise.all(runs.map((run, i) => namedRun(run, i))));
  const smooth = named.map(({ name, points }) => ({ name, points: smoothed(points, smoothing) }));
  const notes = smoothing > 0 ? [`Training loss and gradient norm are smoothed by ${smoothing}.`] : [];
  return wanted.map((one) =>
    one === 'loss'
      ? lossCurves(smooth, { title: title ?? 'Loss over training', notes })
      : quantityFigure(smooth, one, title, notes),
  );
}

function quantityFigure(
  runs: readonly NamedRun[],
  what: Exclude<Compared, 'loss'>,
  title: string | undefined,
  notes: readonly string[],
): Figure {
  const quantity = QUANTITIES[what];
  const series = runs
    .map(({ name, points }) => {
      const known = points.filter((point) => quantity.value(point) != null);
      return { name, x: known.map(({ step }) => step), y: known.map((point) => quantity.value(point)!) };
    })
    .filter(({ x }) => x.length > 0);
  if (series.length === 0) {
    throw new Error(
      `compare: at least one run must have ${what}, got none in ${runs.map(({ name }) => name).join(', ')}. ` +
        (what === 'flips' || what.endsWith('zeros')
          ? 'Train with diagnostics: true, and with quantized weights.'
          : 'Recorded runs keep it since lib 0.2.'),
    );
  }
  return lineFigure({
    title: title ?? quantity.title,
    x: { title: 'Training', unit: 'steps' },
    y: { title: quantity.title, unit: quantity.unit },
    series,
    notes: what === 'gradient norm' ? notes : [],
  });
}

async function namedRun(run: ComparedRun, index: number): Promise<NamedRun> {
  const fallback = `run ${index + 1}`;
  if (typeof run === 'string') {
    const { points } = await readRun<ComparedPoint & { step: number }>(run);
    return { name: basename(resolve(run)), points };
  }
  if (isPoints(run)) return { name: fallback, points: run };
  const { name, arm, points, curve, training } = run ?? {};
  const found = points ?? curve;
  if (!isPoints(found)) {
    throw new Error(
      `compare: a run must be what fit returns, a recorded run, a run folder's path or a list of points, ` +
        `got ${quote(run, 60)} as number ${index + 1}.`,
    );
  }
  // Recorded runs leave out what follows from their schedule.
  const rates = training?.schedule && schedule(training.schedule);
  return {
    name: name ?? arm ?? fallback,
    points: rates
      ? found.map((point) => ({ learningRate: rates(Math.max(0, point.step - 1)).learningRate, ...point }))
      : found,
  };
}

function isPoints(value: unknown): value is readonly ComparedPoint[] {
  return (
    Array.isArray(value) && value.every((point) => typeof (point as ComparedPoint | null)?.step === 'number')
  );
}

/** Names with a number behind those that stood already. */
function distinctNames(runs: readonly NamedRun[]): NamedRun[] {
  const seen = new Map<string, number>();
  return runs.map(({ name, points }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { name: count === 1 ? name : `${name} (${count})`, points };
  });
}

/** Points with running means of what is noisy; each mean forgets its start, so that the first values are not pulled to 0. */
function smoothed(points: readonly ComparedPoint[], share: number): readonly ComparedPoint[] {
  if (share === 0) return points;
  const mean = runningMean(share);
  const norm = runningMean(share);
  return points.map((point) => ({
    ...point,
    ...(point.trainLoss != null && { trainLoss: mean(point.trainLoss) }),
    ...(point.gradientNorm != null && { gradientNorm: norm(point.gradientNorm) }),
  }));
}

function runningMean(share: number): (value: number) => number {
  let sum = 0;
  let weight = 0;
  return (value) => {
    sum = share * sum + (1 - share) * value;
    weight = share * weight + (1 - share);
    return sum / weight;
  };
}

function percent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : 100 * share;
}
