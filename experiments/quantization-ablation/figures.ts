/** The pictures of the quantization ablation, one a question, as functions of its results. */
import {
  barFigure,
  interval,
  intervalFigure,
  lineFigure,
  lossCurves,
  mean,
  scatterFigure,
  type Estimate,
  type Figure,
} from '@bitnet-notebooks/lib';
import type { ArmResult, BlockResults } from './results.js';
import type { StabilityResult } from './stability-results.js';
import { tuningLosses } from './rates.js';
import { table4 } from './table-4.js';
import type { FinishedRun } from '../sweep/finished-run.js';

const DIFFERENCE = { title: 'Difference in test loss', unit: 'nats a character' };

/** How every difference was made. */
const HOW = '95 % intervals: the spread of all arms together, and the uncertainty of both learning rates.';

/** Loss curves of some arms on validation text, with a band from the lowest to the highest seed. */
export function armCurves(results: readonly ArmResult[], title: string, range?: [number, number]): Figure {
  return lossCurves(
    results.map(({ label, curves }) => ({ name: label, points: curves })),
    { title, train: false, range },
  );
}

/** What the chart of differences is of. */
export interface DifferenceOptions {
  title: string;
  /** Larger differences are drawn at the edge, with their number in the name; nats. */
  atMost?: number;
}

/** How much each arm loses against the one that it is compared with. */
export function differenceFigure(
  results: readonly ArmResult[],
  { title, atMost = Infinity }: DifferenceOptions,
): Figure {
  return intervalFigure({
    title,
    subtitle: 'Right of zero: worse than the arm it is compared with',
    category: { title: 'Change' },
    value: DIFFERENCE,
    lines: [{ axis: 'x', at: 0, label: '' }],
    notes: [HOW],
    rows: results.flatMap(({ label, axis, against, difference }) => {
      if (difference === undefined) return [];
      const name = axis === 'table-4' ? `b1, ${label}` : label;
      return [{ ...within(name, difference, atMost), group: `against ${REFERENCES[against] ?? against}` }];
    }),
  });
}

/** The arms that others are compared with, in words. */
const REFERENCES: Readonly<Record<string, string>> = {
  'weights-sign': 'b1 (absmax + SubLN)',
  'full-precision': 'full precision',
};

/** A row whose value lies on the chart; one that does not has it in its name. */
function within(
  name: string,
  { value, low, high }: Estimate,
  atMost: number,
): { name: string; value: number; low: number; high: number } {
  const shown = value === Infinity ? 'diverged' : `+${value.toFixed(2)}`;
  return {
    name: value > atMost ? `${name}: ${shown}` : name,
    value: Math.min(value, atMost),
    low: Math.min(low, atMost),
    high: Math.min(high, atMost),
  };
}

/** Bits that a weight takes; three values take log₂ 3 = 1.58 in theory, and 2 as 2B4T's file stores them. */
const BITS: Readonly<Record<string, number>> = {
  'weights-sign': 1,
  'weights-zero-one': 1,
  'weights-absmedian': Math.log2(3),
  'weights-2bit': Math.log2(3),
  'weights-4bit': 4,
  'weights-8bit': 8,
  'weights-none': 32,
};

/**
 * Question 1: what fewer or more bits of a weight change against b1.58, with the activations of all in int8.
 * @param atMost larger differences are drawn there, with their number in the name; nats
 */
export function bitsFigure({ arms }: Pick<BlockResults, 'arms'>, atMost = 0.1): Figure {
  const points = arms.flatMap(({ arm, label, difference }) =>
    arm in BITS && difference ? [{ bits: BITS[arm], ...within(label, difference, atMost) }] : [],
  );
  return scatterFigure({
    title: 'Loss against the bits of a weight',
    subtitle: 'Zero is b1.58 itself; above it is worse; activations in int8 throughout',
    x: { title: 'Information in a weight', unit: 'bits', scale: 'log' },
    y: DIFFERENCE,
    lines: [{ axis: 'y', at: 0, label: 'b1.58' }],
    notes: [HOW],
    series: points.map(({ bits, name, value, low, high }) => ({
      name,
      x: [bits],
      y: [value],
      low: [low],
      high: [high],
      symbol: value === atMost ? 'diamond-open' : 'circle',
    })),
  });
}

/** Question 3: what each norm and scale of b1 loses against absmax + SubLN, in the shallow and the thin model. */
export function normsFigure(blocks: readonly BlockResults[]): Figure {
  const rows = blocks
    .map((results) => ({ results, cells: table4(results).slice(1) }))
    .filter(({ cells }) => cells.some(({ atOwnRate }) => atOwnRate));
  const categories = (rows[0]?.cells ?? []).map(({ activations, norm }) => `${activations} + ${norm}`);
  return barFigure({
    title: 'Norms and scales of b1',
    subtitle: 'What each loses against absmax + SubLN; below zero it does better',
    category: { title: 'Variant' },
    categories,
    value: DIFFERENCE,
    notes: [HOW, 'BMT is read as Pre-LN with a norm on the output of each block.'],
    series: rows.flatMap(({ results: { block }, cells }) => [
      { name: `${block.label}, best rate of each`, ...bars(cells.map(({ atOwnRate }) => atOwnRate)) },
      ...(cells.some(({ atItsRate }) => atItsRate)
        ? [{ name: `${block.label}, at one rate`, ...bars(cells.map(({ atItsRate }) => atItsRate)) }]
        : []),
    ]),
  });
}

function bars(found: readonly (Estimate | undefined)[]): { values: number[]; low: number[]; high: number[] } {
  return {
    values: found.map((one) => one?.value ?? NaN),
    low: found.map((one) => one?.low ?? NaN),
    high: found.map((one) => one?.high ?? NaN),
  };
}

/** Question 5: the final loss over the learning rate; runs that diverged stand at the upper edge. */
export function stabilityFigure(results: readonly StabilityResult[], atMost: number): Figure {
  const figure = lineFigure({
    title: 'Which learning rates does an arm bear?',
    subtitle: 'Final loss at every rate; the bands reach from the lowest to the highest seed',
    x: { title: 'Peak learning rate', unit: '', scale: 'log' },
    y: { title: 'Test loss', unit: 'nats a character' },
    notes: [`Above ${atMost} nats, and diverged (open diamonds): drawn at the edge.`],
    series: results.map(({ arm, rates, losses }) => {
      const at = rates.map((_, i) =>
        [...losses.values()].map((own) => Math.min(own[i], atMost)).filter((loss) => !Number.isNaN(loss)),
      );
      return {
        name: STABILITY_LABELS[arm] ?? arm,
        x: rates,
        y: at.map(mean),
        low: at.map((own) => Math.min(...own)),
        high: at.map((own) => Math.max(...own)),
        markers: true,
      };
    }),
  });
  const lost = results.flatMap(({ rates, losses }) =>
    rates.filter((_, i) => [...losses.values()].some((own) => own[i] === Infinity)),
  );
  if (lost.length === 0) return figure;
  const marks = { kind: 'scatter', name: 'diverged', x: lost, y: lost.map(() => atMost) } as const;
  return { ...figure, traces: [...figure.traces, { ...marks, symbol: 'diamond-open' }] };
}

const STABILITY_LABELS: Readonly<Record<string, string>> = {
  'full-precision': 'full precision',
  'weights-sign': 'b1',
};

/** Question 6: b1.58 against both full-precision baselines, at each size. */
export function sizesFigure(blocks: readonly BlockResults[]): Figure {
  const baselines = [
    { against: 'full-precision', name: 'full precision, same body' },
    { against: 'full-precision-papers', name: 'the papers’ baseline' },
  ];
  const sizes = blocks.filter(({ contrast }) => contrast('b1.58', 'full-precision'));
  return barFigure({
    title: 'b1.58 against full precision, at two sizes',
    subtitle: 'Above zero: b1.58 is worse',
    category: { title: 'Size' },
    categories: sizes.map(({ block }) => block.label),
    value: DIFFERENCE,
    notes: [HOW],
    series: baselines.map(({ against, name }) => ({
      name,
      ...bars(sizes.map((results) => differenceTo(results, against))),
    })),
  });
}

function differenceTo({ contrast }: BlockResults, against: string): Estimate | undefined {
  const found = contrast('b1.58', against);
  return found && interval(found);
}

/** How the rates were found: the tuning losses of some arms, and the parabola through each arm's. */
export function ratesFigure(results: readonly ArmResult[], finished: readonly FinishedRun[]): Figure {
  return scatterFigure({
    title: 'Where the learning rates come from',
    subtitle: 'Tuning runs and their parabolas; each arm’s rate is the lowest point of its own',
    x: { title: 'Peak learning rate', unit: '', scale: 'log' },
    y: { title: 'Validation loss', unit: 'nats a character' },
    notes: [
      'Points: means over the tuning seeds. Rates within about an octave of the lowest point are fitted.',
    ],
    series: results.map(({ arm, label, curve }) => {
      const losses = tuningLosses(arm, finished).filter(({ loss }) => loss < Infinity);
      const rates = [...new Set(losses.map(({ rate }) => rate))].sort((a, b) => a - b);
      const at = (rate: number): number =>
        mean(losses.filter((one) => one.rate === rate).map(({ loss }) => loss));
      // The curve has the first seed's height, the points are means over the seeds.
      const shift = mean(curve.fitted.map((rate) => at(rate) - curve.at(rate)));
      const [low, high] = [curve.fitted[0], curve.fitted.at(-1)!];
      const along = Array.from({ length: 25 }, (_, i) => low * (high / low) ** (i / 24));
      return {
        name: label,
        x: rates,
        y: rates.map(at),
        fit: { x: along, y: along.map((rate) => curve.at(rate) + shift) },
      };
    }),
  });
}
