/** The pictures of the frontier: loss against bytes, joules and milliseconds, and what few bits cost at equal shape. */
import {
  interval,
  lineFigure,
  mean,
  PALETTE,
  scatterFigure,
  type Figure,
  type LineSeries,
} from '@bitnet-notebooks/lib';
import { atEqualShape, onFrontier, pointsOfForm, type RateCosts } from './compare.js';
import { formNamed } from './forms.js';
import { tokenMs, type KernelTimes } from './kernel-times.js';
import type { CorpusFrontier, FrontierPoint } from './results.js';
import { table3Cell, type Table3 } from './table-3.js';

/**
 * The forms that are drawn, one of each kind, so that lines can be told apart, by names that leave the legend room in few rows. Tables
 * have all.
 */
const DRAWN_NAMES: Readonly<Record<string, string>> = {
  fp16: 'fp16',
  'int8-a8': '8 bits',
  'int6-g32-gptq': '6 bits, GPTQ',
  'int4-g32-gptq': '4 bits, GPTQ',
  'b1.58': 'b1.58',
  'late-half': 'b1.58, last half',
  b1: 'b1',
};
const DRAWN_FORMS = Object.keys(DRAWN_NAMES);
const NAMES_MEAN =
  '8 bits: weights and activations, rounded. GPTQ: groups of 32. Last half: full precision before it.';

/** Grey: it belongs to no form. */
const FRONTIER_COLOR = '#797979';

const LOSS = { title: 'Test loss', unit: 'nats per token' } as const;
const INTERVALS =
  'Means over the seeds; bars are 95 % intervals from the spread of a run, pooled over arms and sizes.';

/** A series for each form that there are points of; a form has the same colour in every picture. */
function seriesOf(
  frontier: CorpusFrontier,
  forms: readonly string[],
  costOf: (point: FrontierPoint) => number | undefined,
): LineSeries[] {
  return forms.flatMap((name): LineSeries[] => {
    const points = pointsOfForm(frontier, name).filter(
      (point) => Number.isFinite(point.loss.value) && costOf(point) !== undefined,
    );
    if (points.length === 0) return [];
    const at = DRAWN_FORMS.indexOf(name);
    return [
      {
        name: DRAWN_NAMES[name] ?? formNamed(name).label,
        x: points.map((point) => costOf(point)!),
        y: points.map(({ loss }) => loss.value),
        low: points.map(({ loss }) => finite(loss.low, loss.value)),
        high: points.map(({ loss }) => finite(loss.high, loss.value)),
        bars: true,
        markers: true,
        color: PALETTE[Math.max(0, at) % PALETTE.length],
      },
    ];
  });
}

/** A single seed has no interval, and a bar without an end cannot be drawn. */
function finite(bound: number, otherwise: number): number {
  return Number.isFinite(bound) ? bound : otherwise;
}

/** The points of all forms that nothing beats, as a line. */
function frontierLine(
  points: readonly FrontierPoint[],
  costOf: (point: FrontierPoint) => number,
): LineSeries {
  const best = onFrontier(points, costOf);
  return {
    name: 'the frontier',
    x: best.map(costOf),
    y: best.map(({ loss }) => loss.value),
    dash: 'dot',
    color: FRONTIER_COLOR,
  };
}

/** Loss against the bytes of the file. @param entropy a line at the loss of a perfect model, where it is known */
export function bytesFigure(
  frontier: CorpusFrontier,
  { forms = DRAWN_FORMS, entropy }: { forms?: readonly string[]; entropy?: number } = {},
): Figure {
  const bytesOf = ({ bytes }: FrontierPoint): number => bytes;
  return lineFigure({
    title: 'For so many bytes, which weights?',
    subtitle: 'All of the model as written to a file and read back; lower and further left is better',
    x: { title: 'Bytes of the model', unit: 'bytes', scale: 'log' },
    y: LOSS,
    lines: entropy === undefined ? [] : [{ axis: 'y', at: entropy, label: 'entropy' }],
    notes: ['The frontier is that of all forms, also of those not drawn.', NAMES_MEAN, INTERVALS],
    series: [...seriesOf(frontier, forms, bytesOf), frontierLine(frontier.points, bytesOf)],
  });
}

/** Loss against arithmetic energy: BitNet's Figure 1 and b1.58's Figure 3 put together. */
export function joulesFigure(
  frontier: CorpusFrontier,
  forms: readonly string[] = ['fp16', 'int8-a8', 'b1.58', 'late-half', 'b1'],
): Figure {
  const joulesOf = ({ joules }: FrontierPoint): number => joules * 1e6;
  return lineFigure({
    title: 'For so much arithmetic, which weights?',
    subtitle: 'Additions and multiplications by the papers’ formula, 7 nm; memory is left out, as there',
    x: { title: 'Energy of a sequence', unit: 'µJ', scale: 'log' },
    y: LOSS,
    notes: [
      NAMES_MEAN,
      INTERVALS,
      'Weights of 3 to 8 bits beside 16-bit activations are widened before they are multiplied: by this formula they cost what fp16 does.',
    ],
    series: [...seriesOf(frontier, forms, joulesOf), frontierLine(frontier.points, joulesOf)],
  });
}

/** Loss against the time of a token on this project's kernels, measured at these very shapes. */
export function timeFigure(
  frontier: CorpusFrontier,
  times: KernelTimes,
  forms: readonly string[] = ['fp16', 'b1.58', 'late-half', 'b1'],
): Figure {
  return lineFigure({
    title: 'For so much time, which weights?',
    subtitle: 'A token through all layers and the output matrix, one thread',
    x: { title: 'Time of a token', unit: 'µs', scale: 'log' },
    y: LOSS,
    notes: [INTERVALS, times.machine],
    series: seriesOf(frontier, forms, ({ shape, form: { kernel } }) => {
      const ms = kernel && tokenMs(times, shape, kernel);
      return ms === undefined ? undefined : 1000 * ms;
    }),
  });
}

/** What an arm loses against others of the same shape, by size. */
export function equalShapeFigure(
  frontier: CorpusFrontier,
  form: string,
  others: readonly string[],
  costs?: RateCosts,
): Figure {
  const own = pointsOfForm(frontier, form);
  return scatterFigure({
    title: `${formNamed(form).label}, beside others of the same shape`,
    subtitle: `Above zero: ${form} is worse`,
    x: { title: 'Parameters', unit: 'all learned values', scale: 'log' },
    y: { title: 'Difference of the test loss', unit: 'nats per token' },
    lines: [{ axis: 'y', at: 0, label: 'parity' }],
    notes: ['95 % intervals; the noise of a run is pooled over all arms and sizes.'],
    series: others.map((other, i) => {
      const found = own.flatMap(({ shape, parameters }) => {
        const comparison = atEqualShape(frontier, [form, other], shape, costs);
        if (!comparison || !Number.isFinite(comparison.contrast.value)) return [];
        return [{ parameters, ...interval(comparison.contrast) }];
      });
      return {
        name: DRAWN_NAMES[other] ?? formNamed(other).label,
        // Side by side, where points would hide each other.
        x: found.map(({ parameters }) => parameters * 1.04 ** (i - (others.length - 1) / 2)),
        y: found.map(({ value }) => value),
        low: found.map(({ low, value }) => finite(low, value)),
        high: found.map(({ high, value }) => finite(high, value)),
      };
    }),
  });
}

/** What quantizing after training costs by size, without or with made outliers: BitNet's Figure 6. */
export function table3Figure(tables: readonly Table3[], kind: 'natural' | 'outliers'): Figure {
  const rows = [
    ['W8A8', 'absmax'],
    ['W8A8', 'smoothquant'],
    ['W4A16', 'gptq'],
    ['W4A4', 'absmax'],
    ['W4A4', 'rotation'],
    ['W2A16', 'gptq-absmean'],
    ['W1A8', 'absmean'],
  ] as const;
  return lineFigure({
    title: kind === 'natural' ? 'Quantized after training' : 'Quantized after training, with made outliers',
    subtitle: 'Above zero: worse than the same model unquantized',
    x: { title: 'Parameters', unit: 'all learned values', scale: 'log' },
    y: { title: 'Cost', unit: 'nats per token' },
    series: rows.map(([precision, method]) => ({
      name: `${precision} ${method}`,
      x: tables.map(({ parameters }) => parameters),
      y: tables.map((table) => mean(table3Cell(table, kind, precision, method).costs)),
      markers: true,
    })),
  });
}
