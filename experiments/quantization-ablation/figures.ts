/** The pictures of the quantization ablation, as functions of its results. */
import {
  barFigure,
  histogramFigure,
  intervalFigure,
  LATENT_BINS,
  LATENT_RANGE,
  lineFigure,
  lossCurves,
  mean,
  scatterFigure,
  type Figure,
} from '@bitnet-notebooks/lib';
import type { ArmResult } from './results.js';
import type { Table4Row } from './table.js';
import type { CurvePoint } from '../sweep/finished-run.js';

/** Loss curves of some arms, with a band from the lowest to the highest seed. */
export function armCurves(results: readonly ArmResult[], title: string, range?: [number, number]): Figure {
  return lossCurves(
    results.map(({ label, curves }) => ({ name: label, points: curves })),
    { title, train: false, range },
  );
}

/**
 * How much each arm loses against the one that it is compared with.
 * @param atMost larger differences are drawn at the edge, with their number in the name
 */
export function differenceFigure(results: readonly ArmResult[], atMost: number): Figure {
  const rows = results.filter(({ difference }) => difference !== undefined);
  return intervalFigure({
    title: 'What each change costs',
    subtitle: 'Right of zero: worse than the arm it is compared with',
    category: { title: 'Change' },
    value: { title: 'Difference in validation loss', unit: 'nats per token' },
    lines: [{ axis: 'x', at: 0, label: '' }],
    notes: ['Means over the seeds, pair by pair, with 95 % intervals (Student).'],
    rows: rows.map(({ label, axis, against, difference }) => {
      const { value, low, high } = difference!;
      const name = axis === 'table-4' ? `b1, ${label}` : label;
      return {
        name: value > atMost ? `${name}: +${value.toFixed(2)}` : name,
        value: Math.min(value, atMost),
        low: Math.min(low, atMost),
        high: Math.min(high, atMost),
        group: `against ${REFERENCES[against] ?? against}`,
      };
    }),
  });
}

/** The arms that others are compared with, in words. */
const REFERENCES: Readonly<Record<string, string>> = {
  'weights-sign': 'b1 (absmax + SubLN)',
  'full-precision': 'full precision',
  'a-full-precision': 'full precision at configuration A',
};

/** A diagnostic over training: mean over the seeds, in a band from the lowest to the highest. */
export function diagnosticFigure(
  results: readonly ArmResult[],
  key: 'zeros' | 'flips' | 'activationZeros',
  { title, axis, scale }: { title: string; axis: string; scale?: 'linear' | 'log' },
): Figure {
  return lineFigure({
    title,
    x: { title: 'Training', unit: 'steps' },
    y: { title: axis, unit: '%', scale },
    notes: ['Lines: mean of the seeds. Bands: lowest and highest seed.'],
    series: results.map(({ label, curves }) => {
      const seen = curves.map((curve) => curve.filter((point) => point.diagnostics?.[key] !== undefined));
      const shares = (seen[0] ?? []).map((_, i) =>
        seen.map((curve) => curve[i]?.diagnostics?.[key]).filter((share) => share !== undefined),
      );
      return {
        name: label,
        x: (seen[0] ?? []).map(({ step }) => step),
        y: shares.map((values) => 100 * mean(values)),
        low: shares.map((values) => 100 * Math.min(...values)),
        high: shares.map((values) => 100 * Math.max(...values)),
      };
    }),
  });
}

/** Norm of the gradients over training, by arm; mean over the seeds. */
export function gradientFigure(results: readonly ArmResult[]): Figure {
  return lineFigure({
    title: 'Norm of the gradients',
    x: { title: 'Training', unit: 'steps' },
    y: { title: 'Norm of all gradients', unit: 'nats', scale: 'log' },
    series: results.map(({ label, curves }) => ({
      name: label,
      x: curves[0].map(({ step }) => step),
      y: curves[0].map((_, i) => mean(curves.map((curve) => curve[i]?.gradientNorm ?? NaN))),
    })),
  });
}

/** Where the latent weights of the first seed lie, in units of their mean magnitude, at the first and the last look. */
export function latentFigure({ label, curves }: ArmResult): Figure {
  const edges = Array.from({ length: LATENT_BINS + 1 }, (_, i) => LATENT_RANGE * ((2 * i) / LATENT_BINS - 1));
  const looks = curves[0].filter(({ diagnostics }) => diagnostics?.latent !== undefined);
  const series = ({
    step,
    diagnostics,
  }: CurvePoint): { name: string; edges: number[]; counts: number[] } => ({
    name: `step ${step}`,
    edges,
    counts: diagnostics!.latent!,
  });
  return histogramFigure({
    title: `Latent weights: ${label}`,
    subtitle: 'The thresholds of the trits lie at ±0.5',
    x: { title: 'Weight / mean magnitude', unit: '' },
    notes: ['The outer bins hold all that lies beyond.'],
    series: [looks[0], looks[looks.length - 1]].filter(Boolean).map(series),
  });
}

/** Bits that a weight takes; three values take log₂ 3 = 1.58 in theory, and 2 as the 2-bit quantizer stores them. */
const BITS: Readonly<Record<string, number>> = {
  'weights-sign': 1,
  'weights-zero-one': 1,
  'weights-absmedian': Math.log2(3),
  'weights-2bit': 2,
  'weights-4bit': 4,
  'weights-8bit': 8,
  'weights-none': 32,
};

/** What more or fewer bits of a weight change against b1.58, whose activations all keep. */
export function bitsFigure(results: readonly ArmResult[], leaveOut: readonly string[] = []): Figure {
  const points = results.filter(
    ({ arm, difference }) => arm in BITS && difference && !leaveOut.includes(arm),
  );
  return scatterFigure({
    title: 'Loss against bits',
    subtitle: 'Zero is b1.58 itself, at 1.58 bits; activations in int8 throughout',
    x: { title: 'Width of a weight', unit: 'bits', scale: 'log' },
    y: { title: 'Difference in validation loss', unit: 'nats per token' },
    lines: [{ axis: 'y', at: 0, label: 'b1.58' }],
    notes: ['Means over the seeds, pair by pair, with 95 % intervals (Student).'],
    series: points.map(({ arm, label, difference }) => ({
      name: label,
      x: [BITS[arm]],
      y: [difference!.value],
      low: [difference!.low],
      high: [difference!.high],
    })),
  });
}

/** The first paper's Table 4 beside ours, as what each cell loses against absmax + SubLN. */
export function table4Figure(rows: readonly Table4Row[]): Figure {
  const cells = rows.slice(1);
  const ours = (which: 'own' | 'matched'): { values: number[]; low: number[]; high: number[] } => {
    const found = cells.map((cell) => cell[which]?.difference);
    return {
      values: found.map((one) => one?.value ?? NaN),
      low: found.map((one) => one?.low ?? NaN),
      high: found.map((one) => one?.high ?? NaN),
    };
  };
  return barFigure({
    title: 'Table 4, crossed in full',
    subtitle: 'What each variant of b1 loses against absmax + SubLN',
    category: { title: 'Variant' },
    categories: cells.map(({ activations, norm }) => `${activations} + ${norm}`),
    value: { title: 'Difference in loss', unit: 'nats per token' },
    notes: ['The paper’s perplexities as ln(perplexity / 20.34). Two cells were not run there.'],
    series: [
      { name: 'here, each at its own best rate', ...ours('own') },
      { name: 'here, all at the rate of absmax + SubLN', ...ours('matched') },
      {
        name: 'the paper',
        values: cells.map(({ paperDifference }) => paperDifference ?? NaN),
        marks: true,
      },
    ],
  });
}
