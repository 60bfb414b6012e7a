import { describe, expect, it } from 'vitest';
import { FigureError, type Figure, type Trace } from '../../../lib/plots/figure.js';
import { toSvg } from '../../../lib/plots/draw/svg.js';
import { readPicture, strokes, type Picture, type Point } from '../picture.js';

const RED = '#cc0000';

/** A figure over 0 … 10 and 0 … 100, unless said otherwise. */
function figure(traces: Trace[], more: Partial<Figure> = {}): Figure {
  return {
    title: 'A figure',
    x: { title: 'Time', unit: 's', range: [0, 10] },
    y: { title: 'Length', unit: 'm', range: [0, 100] },
    traces,
    ...more,
  };
}

function line(x: (number | null)[], y: (number | null)[], more: object = {}): Trace {
  return { kind: 'line', name: 'a line', color: RED, x, y, ...more };
}

/** The pixel at these shares of the plot's width and height, from its lower left corner. */
function at({ plot }: Picture, right: number, up: number): Point {
  return [plot.left + right * (plot.right - plot.left), plot.bottom - up * (plot.bottom - plot.top)];
}

function expectPoint(found: Point | undefined, wanted: Point): void {
  expect(found, 'a point').toBeDefined();
  expect(Math.abs(found![0] - wanted[0]), `x ${found![0]} for ${wanted[0]}`).toBeLessThan(0.11);
  expect(Math.abs(found![1] - wanted[1]), `y ${found![1]} for ${wanted[1]}`).toBeLessThan(0.11);
}

describe('toSvg', () => {
  it('writes ticks at their values, and titles with units', () => {
    const picture = readPicture(toSvg(figure([line([0, 10], [0, 100])])));
    const text = (words: string): { x: number; y: number } =>
      picture.texts.find((one) => one.text === words)!;
    expect(text('6').x).toBeCloseTo(at(picture, 0.6, 0)[0], 0);
    expect(text('40').y - 4).toBeCloseTo(at(picture, 0, 0.4)[1], 0);
    expect(text('Time (s)')).toBeDefined();
    expect(text('Length (m)')).toBeDefined();
    expect(text('A figure')).toBeDefined();
  });

  it.each([Number.NaN, Infinity, -Infinity, null])('leaves a gap where a value is %s', (hole) => {
    const picture = readPicture(toSvg(figure([line([0, 1, 2, 3, 4], [10, 90, hole, 50, 20])])));
    expect(strokes(picture, RED).map((points) => points.length)).toEqual([2, 2]);
  });

  it('draws one point in the middle when nothing else gives a range', () => {
    const picture = readPicture(
      toSvg({ ...figure([line([3], [7])]), x: { title: 'x', unit: '' }, y: { title: 'y', unit: '' } }),
    );
    expectPoint(strokes(picture, RED)[0][0], at(picture, 0.5, 0.5));
  });

  it('draws empty axes and says so where there are no data', () => {
    for (const traces of [[], [line([], [])], [line([1], [Number.NaN])]]) {
      const picture = readPicture(toSvg({ ...figure(traces), x: { title: 'x', unit: '' } }));
      expect(picture.paths).toEqual([]);
      expect(picture.texts.map(({ text }) => text)).toContain('No data.');
    }
  });

  it('leaves out what a log axis cannot show, and names the trace', () => {
    const picture = readPicture(
      toSvg(
        figure([line([1, 2, 3, 4, 5], [10, 0, 30, -4, 20])], {
          y: { title: 'y', unit: '', scale: 'log', range: [1, 100] },
        }),
      ),
    );
    expect(strokes(picture, RED)).toHaveLength(3);
    expect(picture.texts.map(({ text }) => text)).toContain(
      'a line: 2 points at or below 0 cannot be shown on a log axis',
    );
  });
});

describe('toSvg, text and size', () => {
  it('escapes what XML has a meaning for, and leaves out what it forbids', () => {
    const nasty = 'a < b & "c" > d';
    const picture = readPicture(
      toSvg({
        ...figure([
          line([0, 1], [0, 1], { name: `${nasty} 1` }),
          line([0, 1], [1, 0], { name: `${nasty} 2` }),
        ]),
        title: `${nasty}\u0000\u001b[31m\ud800`,
        subtitle: nasty,
        x: { title: nasty, unit: '' },
        notes: [nasty],
        annotations: [{ x: 0.5, y: 0.5, text: nasty }],
        lines: [{ axis: 'y', at: 0.5, label: nasty }],
      }),
    );
    const texts = picture.texts.map(({ text }) => text);
    expect(texts.filter((text) => text === nasty)).toHaveLength(5);
    expect(texts).toContain(`${nasty} 1`);
    expect(texts).toContain(`${nasty}[31m`);
  });

  it('keeps the extremes of a long line, in a few kilobytes', () => {
    const x = Array.from({ length: 100_000 }, (_, i) => i / 10_000);
    const y = x.map((_, i) => 50 + (i % 7));
    y[33_333] = 99;
    y[66_666] = 2;
    const svg = toSvg(figure([line(x, y)]));
    const picture = readPicture(svg);
    const heights = strokes(picture, RED)[0].map(([, height]) => height);
    expect(Math.min(...heights)).toBeCloseTo(at(picture, 0, 0.99)[1], 0);
    expect(Math.max(...heights)).toBeCloseTo(at(picture, 0, 0.02)[1], 0);
    expect(svg.length).toBeLessThan(12_000);
  });

  it('needs few points for a smooth curve, and none of them lies beside it', () => {
    const x = Array.from({ length: 1000 }, (_, i) => i / 100);
    const svg = toSvg(
      figure([
        line(
          x,
          x.map((value) => 100 * Math.exp(-value)),
        ),
      ]),
    );
    const picture = readPicture(svg);
    const [points] = strokes(picture, RED);
    expect(points.length).toBeLessThan(60);
    for (const [left, top] of points) {
      const value = ((left - picture.plot.left) / (picture.plot.right - picture.plot.left)) * 10;
      // A tenth of a pixel along x is a third of one along y where the curve is steepest.
      expect(Math.abs(top - at(picture, 0, Math.exp(-value))[1])).toBeLessThan(0.7);
    }
  });

  it('has no background, no script and no reference to a file', () => {
    const svg = toSvg(figure([line([0, 1], [0, 1])]));
    expect(svg).not.toMatch(/<script|<rect|url\(|xlink|http:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it('throws where the figure contradicts itself', () => {
    expect(() => toSvg(figure([line([0, 1], [0])]))).toThrow(FigureError);
  });
});
