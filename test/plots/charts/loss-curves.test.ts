import { describe, expect, it } from 'vitest';
import type { LineTrace } from '../../../lib/plots/figure.js';
import { lossCurves } from '../../../lib/plots/charts/loss-curves.js';

const point = (step: number, trainLoss?: number, validationLoss?: number): object => ({
  step,
  trainLoss,
  validationLoss,
});

function lines(...args: Parameters<typeof lossCurves>): LineTrace[] {
  return lossCurves(...args).traces as LineTrace[];
}

describe('lossCurves', () => {
  it('shows training thin and validation bold, each at the steps it has', () => {
    const points = [point(1, 4), point(2, 3, 3.5), point(3, 2)] as { step: number }[];
    const [training, validation] = lines([{ name: 'ternary', points }]);
    expect(training).toMatchObject({ name: 'ternary, training', faint: true, x: [1, 2, 3], y: [4, 3, 2] });
    expect(validation).toMatchObject({ name: 'ternary, validation', x: [2], y: [3.5] });
    expect(validation.faint).toBeUndefined();
    expect(validation.color).not.toBe(training.color);
  });

  it('gives several runs a colour each, and the names of their validation losses', () => {
    const points = [point(1, 4, 5)] as { step: number }[];
    const traces = lines([
      { name: 'a', points },
      { name: 'b', points },
    ]);
    expect(traces.map(({ name, inLegend }) => [name, inLegend])).toEqual([
      ['a, training', false],
      ['a', undefined],
      ['b, training', false],
      ['b', undefined],
    ]);
    expect(traces[0].color).toBe(traces[1].color);
    expect(traces[1].color).not.toBe(traces[3].color);
  });

  it('shows the mean of the seeds between the lowest and the highest', () => {
    const seeds = [2, 3, 7].map((loss) => [point(10, 9, loss), point(20, 9, loss / 2)] as { step: number }[]);
    const traces = lines([{ name: 'a', points: seeds }]);
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({ x: [10, 20], y: [4, 2], band: { low: [2, 1], high: [7, 3.5] } });
    expect(lossCurves([{ name: 'a', points: seeds }]).notes).toEqual([
      'Lines: mean of the seeds (3 at most). Bands: lowest and highest seed.',
    ]);
  });

  it('takes seeds that were evaluated at different steps, and a NaN as a gap', () => {
    const [trace] = lines([
      {
        name: 'a',
        points: [
          [point(20, undefined, 2), point(10, undefined, 4)],
          [point(10, undefined, 6), point(30, undefined, Number.NaN)],
        ] as { step: number }[][],
      },
    ]);
    expect(trace).toMatchObject({ x: [10, 20, 30], y: [5, 2, null] });
  });

  it('has axes with units before there is a point', () => {
    const figure = lossCurves([{ name: 'a', points: [] }]);
    expect(figure.x).toMatchObject({ title: 'Training', unit: 'steps' });
    expect(figure.y).toMatchObject({ title: 'Loss', unit: 'nats per token' });
  });
});
