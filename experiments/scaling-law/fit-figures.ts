/** The pictures of the fits: excess, the profile of c, and the extrapolation test. */
import {
  bootstrap,
  fitExcess,
  fitPowerLaw,
  lineFigure,
  lossAt,
  PALETTE,
  predictLargest,
  profileOfC,
  scatterFigure,
  sizesOf,
  type Figure,
  type LineSeries,
  type MeasuredLoss,
} from '@bitnet-notebooks/lib';
import { meansWithBars, PARAMETERS } from './figures.js';
import type { ScalingResults, SizeCurve } from './results.js';

/** Excess over the entropy against size on logarithmic axes, with lines and their bands. */
export function excessFigure({ zipf, entropy, tokens }: ScalingResults): Figure {
  return scatterFigure({
    title: 'Excess loss against size',
    subtitle: `Zipf facts, ${(tokens / 1e6).toFixed(2)} M tokens for every model`,
    x: PARAMETERS,
    y: { title: 'Loss on values − entropy', unit: 'nats', scale: 'log' },
    notes: ['Points: means over the seeds. Bands: 95 % of lines through draws of (size, seed).'],
    series: zipf.map((curve) => ({
      name: curve.label,
      ...meansWithBars(curve.points, entropy),
      fit: excessLine(curve, entropy),
    })),
  });
}

function excessLine(
  { points }: SizeCurve,
  entropy: number,
): { x: number[]; y: number[]; low?: number[]; high?: number[] } {
  const x = sizesOf(points);
  const at = (drawn: readonly MeasuredLoss[]): number[] => {
    const { slope, intercept } = fitExcess(drawn, entropy);
    return x.map((parameters) => Math.exp(intercept + slope * Math.log(parameters)));
  };
  if (new Set(points.map(({ seed }) => seed)).size < 2) return { x, y: at(points) };
  const band = bootstrap([points], ([drawn]) => byPlace(at(drawn)), { draws: 300 });
  const all = x.map((_, i) => band[String(i)]);
  return { x, y: at(points), low: all.map(({ low }) => low), high: all.map(({ high }) => high) };
}

function byPlace(values: readonly number[]): Record<string, number> {
  return Object.fromEntries(values.map((value, i) => [String(i), value]));
}

/** How well L(N) = aN^b + c fits for each c: where the valley is flat, c is not known. */
export function profileFigure({ zipf, entropy }: ScalingResults): Figure {
  const grid = Array.from({ length: 71 }, (_, i) => i * 0.025);
  const series = zipf.slice(0, 2).map(({ label, points }): LineSeries => ({
    name: label,
    x: grid,
    y: profileOfC(points, grid).points.map(({ rmse }) => rmse),
  }));
  return lineFigure({
    title: 'Which c fits?',
    subtitle: 'For each c the best a and b; lower is better',
    x: { title: 'c', unit: 'nats' },
    y: { title: 'Root mean square left over', unit: 'nats' },
    lines: [{ axis: 'x', at: entropy, label: 'entropy' }],
    series,
  });
}

/** The extrapolation test: a law of all but the two largest sizes, and what those came to. */
export function predictionFigure({ zipf }: ScalingResults): Figure {
  return scatterFigure({
    title: 'Fit the small, predict the large',
    subtitle: 'Open: the two held-out sizes as predicted, with 95 % intervals',
    x: PARAMETERS,
    y: { title: 'Loss on values', unit: 'nats' },
    series: zipf.slice(0, 2).flatMap(({ label, points }, i) => {
      const predictions = predictLargest(points);
      const held = new Set(predictions.map(({ parameters }) => parameters));
      const law = fitPowerLaw(points.filter(({ parameters }) => !held.has(parameters)));
      const x = sizesOf(points);
      const color = PALETTE[i];
      return [
        {
          name: label,
          color,
          ...meansWithBars(points, 0),
          fit: { x, y: x.map((parameters) => lossAt(law, parameters)), dash: 'dash' as const },
        },
        {
          name: `${label}, predicted`,
          color,
          symbol: 'diamond-open' as const,
          x: predictions.map(({ parameters }) => parameters),
          y: predictions.map(({ predicted }) => predicted.value),
          low: predictions.map(({ predicted }) => predicted.low),
          high: predictions.map(({ predicted }) => predicted.high),
        },
      ];
    }),
  });
}
