import { common } from './chart-options.js';
import { seriesColor } from '../colors.js';
import { type ChartOptions, toValues, type Axis, type Figure, type LineTrace } from '../figure.js';

/** Losses at one step, as training yields them. */
export interface LossPoint {
  /** Updates done. */
  step: number;
  /** Nats per token. */
  trainLoss?: number | null;
  /** Nats per token, at evaluated steps only. */
  validationLoss?: number | null;
}

/** A run, or runs that differ in their seeds alone. */
export interface LossRun {
  name: string;
  /** The points of one run, or of each seed. */
  points: readonly LossPoint[] | readonly (readonly LossPoint[])[];
  /** #rrggbb; by default the palette's next colour. */
  color?: string;
  dash?: LineTrace['dash'];
}

/** Options of `lossCurves`. */
export interface LossCurveOptions extends Partial<ChartOptions> {
  /** Shows training losses too; by default where no run has more than one seed. */
  train?: boolean;
  /** Lets the loss axis be logarithmic; `linear` by default. */
  scale?: Axis['scale'];
  /** First and last loss shown, nats per token. */
  range?: readonly [number, number];
}

/**
 * Losses over training. One run: training loss thin, validation loss bold, in colours of their own. Several: a colour
 * for each, validation bold and training thin. Several seeds: their mean, in a band from the lowest to the highest.
 */
export function lossCurves(runs: readonly LossRun[], options: LossCurveOptions = {}): Figure {
  const seeds = runs.map(seedsOf);
  const most = Math.max(1, ...seeds.map((points) => points.length));
  const train = options.train ?? most === 1;
  const traces: LineTrace[] = [];
  runs.forEach((run, i) => {
    const color = run.color ?? seriesColor(i);
    const alone = runs.length === 1;
    const own = (key: 'trainLoss' | 'validationLoss'): LineTrace =>
      lossLine(run, seeds[i], key, alone && key === 'validationLoss' ? (run.color ?? seriesColor(1)) : color);
    const validation = own('validationLoss');
    const training = own('trainLoss');
    const hasTraining = train && training.x.length > 0;
    if (hasTraining) {
      traces.push({ ...training, name: `${run.name}, training`, faint: true, inLegend: alone });
    }
    if (validation.x.length > 0 || !hasTraining) {
      traces.push({ ...validation, name: alone ? `${run.name}, validation` : run.name });
    }
  });
  const notes = [...(options.notes ?? [])];
  if (runs.length > 1 && traces.some((trace) => trace.faint))
    notes.push('Bold: validation loss. Thin: training loss.');
  if (most > 1) notes.push(`Lines: mean of the seeds (${most} at most). Bands: lowest and highest seed.`);
  return {
    ...common({ title: 'Loss over training', ...options }),
    notes,
    x: { title: 'Training', unit: 'steps' },
    y: {
      title: runs.length > 1 && !train ? 'Validation loss' : 'Loss',
      unit: 'nats per token',
      scale: options.scale,
      range: options.range,
    },
    traces,
  };
}

function seedsOf(run: LossRun): readonly (readonly LossPoint[])[] {
  const { points } = run;
  return points.length > 0 && Array.isArray(points[0])
    ? (points as readonly (readonly LossPoint[])[])
    : [points as readonly LossPoint[]];
}

/** The mean over the seeds that have a value at a step, with lowest and highest where there are several seeds. */
function lossLine(
  run: LossRun,
  seeds: readonly (readonly LossPoint[])[],
  key: 'trainLoss' | 'validationLoss',
  color: string,
): LineTrace {
  const steps = new Map<number, { sum: number; count: number; low: number; high: number; broken: boolean }>();
  for (const points of seeds) {
    for (const point of points) {
      const loss = point[key];
      if (loss == null) continue;
      const at = steps.get(point.step) ?? { sum: 0, count: 0, low: loss, high: loss, broken: false };
      at.sum += loss;
      at.count += 1;
      at.low = Math.min(at.low, loss);
      at.high = Math.max(at.high, loss);
      steps.set(point.step, at);
    }
  }
  const order = [...steps.keys()].sort((a, b) => a - b);
  const at = order.map((step) => steps.get(step)!);
  return {
    kind: 'line',
    name: run.name,
    color,
    dash: run.dash,
    x: order,
    y: toValues(at.map(({ sum, count }) => sum / count)),
    band:
      seeds.length > 1
        ? { low: toValues(at.map(({ low }) => low)), high: toValues(at.map(({ high }) => high)) }
        : undefined,
  };
}
