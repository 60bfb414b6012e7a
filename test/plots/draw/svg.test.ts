import { describe, expect, it } from 'vitest';
import { FigureError, type Figure, type Trace } from '../../../lib/plots/figure.js';
import { toSvg } from '../../../lib/plots/draw/svg.js';
import { boxes, readPicture, strokes, type Picture, type Point } from '../picture.js';

const RED = '#cc0000';
const BLUE = '#0000cc';

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
  it('puts the points of a line where their values lie', () => {
    const picture = readPicture(toSvg(figure([line([0, 4, 10], [0, 80, 25])])));
    const [points] = strokes(picture, RED);
    expect(points).toHaveLength(3);
    expectPoint(points[0], at(picture, 0, 0));
    expectPoint(points[1], at(picture, 0.4, 0.8));
    expectPoint(points[2], at(picture, 1, 0.25));
  });

  it('puts powers of ten at equal distances on a log axis', () => {
    const log = figure([line([1, 10, 1000], [0.1, 1, 0.1])], {
      x: { title: 'N', unit: 'count', scale: 'log', range: [1, 1000] },
      y: { title: 'L', unit: 'nats', scale: 'log', range: [0.01, 1] },
    });
    const picture = readPicture(toSvg(log));
    const [points] = strokes(picture, RED);
    expectPoint(points[0], at(picture, 0, 0.5));
    expectPoint(points[1], at(picture, 1 / 3, 1));
    expectPoint(points[2], at(picture, 1, 0.5));
  });

  it('lets values grow downwards on a reversed axis', () => {
    const picture = readPicture(
      toSvg(
        figure([line([0, 10], [0, 25])], {
          y: { title: 'Depth', unit: 'm', range: [0, 100], reversed: true },
        }),
      ),
    );
    expectPoint(strokes(picture, RED)[0][0], at(picture, 0, 1));
    expectPoint(strokes(picture, RED)[0][1], at(picture, 1, 0.75));
  });

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

  it('draws a point between two gaps as a dot', () => {
    const picture = readPicture(toSvg(figure([line([0, 5, 10], [null, 50, null])])));
    const [points] = strokes(picture, RED);
    expectPoint(points[0], at(picture, 0.5, 0.5));
    expectPoint(points[1], at(picture, 0.5, 0.5));
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

  it('draws a lower bound at or below 0 to the edge of a log axis', () => {
    const band = { low: [-1, 10], high: [100, 100] };
    const picture = readPicture(
      toSvg(
        figure([line([0, 10], [20, 20], { band })], {
          y: { title: 'y', unit: '', scale: 'log', range: [1, 100] },
        }),
      ),
    );
    const [region] = picture.paths.filter((path) => path.fill === RED);
    expectPoint(region.stretches[0][0], at(picture, 0, 0));
    expectPoint(region.stretches[0][1], at(picture, 1, 0.5));
  });

  it('fills a band between its bounds, in one piece for every stretch', () => {
    const band = { low: [10, 20, null, 10, 10], high: [30, 40, 50, 30, 30] };
    const picture = readPicture(toSvg(figure([line([0, 2, 4, 6, 10], [20, 30, 40, 20, 20], { band })])));
    const [region] = picture.paths.filter((path) => path.fill === RED);
    expect(region.stretches).toHaveLength(2);
    const [lowLeft, lowRight, highRight, highLeft] = region.stretches[0];
    expectPoint(lowLeft, at(picture, 0, 0.1));
    expectPoint(lowRight, at(picture, 0.2, 0.2));
    expectPoint(highRight, at(picture, 0.2, 0.4));
    expectPoint(highLeft, at(picture, 0, 0.3));
  });

  it('draws error bars from bound to bound', () => {
    const trace: Trace = {
      kind: 'scatter',
      name: 'points',
      color: RED,
      x: [5],
      y: [50],
      errorY: { low: [40], high: [70] },
      errorX: { low: [4], high: [8] },
    };
    const picture = readPicture(toSvg(figure([trace])));
    const ends = strokes(picture, RED).flat();
    for (const [right, up] of [
      [0.5, 0.4],
      [0.5, 0.7],
      [0.4, 0.5],
      [0.8, 0.5],
    ] as const) {
      const wanted = at(picture, right, up);
      const nearest = Math.min(...ends.map(([x, y]) => Math.hypot(x - wanted[0], y - wanted[1])));
      expect(nearest, `an end at ${right}, ${up}`).toBeLessThan(0.2);
    }
  });

  it('draws all symbols around their points', () => {
    for (const symbol of ['circle', 'circle-open', 'diamond', 'diamond-open'] as const) {
      const trace: Trace = { kind: 'scatter', name: 'points', color: RED, x: [5], y: [50], symbol };
      const picture = readPicture(toSvg(figure([trace])));
      const corners = strokes(picture, RED).flat();
      const [x, y] = at(picture, 0.5, 0.5);
      expect(corners.length, symbol).toBeGreaterThan(0);
      expect(Math.max(...corners.map((corner) => Math.hypot(corner[0] - x, corner[1] - y)))).toBeLessThan(6);
    }
  });
});

describe('toSvg, bars', () => {
  const names = { title: 'Size', unit: '', scale: 'category' as const };
  const bar = (name: string, color: string, values: (number | null)[]): Trace => ({
    kind: 'bar',
    name,
    color,
    at: ['one', 'two'],
    values,
  });

  it('stands bars side by side on zero, as high as their values', () => {
    const picture = readPicture(
      toSvg(figure([bar('a', RED, [50, null]), bar('b', BLUE, [25, 100])], { x: names })),
    );
    const [red, ...others] = boxes(picture, RED);
    expect(others).toEqual([]);
    const [blue, second] = boxes(picture, BLUE);
    expect(red.bottom).toBeCloseTo(picture.plot.bottom, 1);
    expect(red.top).toBeCloseTo(at(picture, 0, 0.5)[1], 1);
    expect(blue.top).toBeCloseTo(at(picture, 0, 0.25)[1], 1);
    expect(blue.left).toBeCloseTo(red.right, 1);
    expect((red.left + blue.right) / 2).toBeCloseTo(at(picture, 0.25, 0)[0], 0);
    expect(second.top).toBeCloseTo(picture.plot.top, 1);
  });

  it('stacks what is positive upwards and what is negative downwards', () => {
    const picture = readPicture(
      toSvg(
        figure([bar('a', RED, [30, -20]), bar('b', BLUE, [50, -10])], {
          x: names,
          y: { title: 'y', unit: '', range: [-100, 100] },
          bars: 'stacked',
        }),
      ),
    );
    const up = (value: number): number => at(picture, 0, (value + 100) / 200)[1];
    expect(boxes(picture, RED).map(({ bottom, top }) => [bottom, top])).toEqual([
      [expect.closeTo(up(0), 0), expect.closeTo(up(30), 0)],
      [expect.closeTo(up(-20), 0), expect.closeTo(up(0), 0)],
    ]);
    expect(boxes(picture, BLUE).map(({ bottom, top }) => [bottom, top])).toEqual([
      [expect.closeTo(up(30), 0), expect.closeTo(up(80), 0)],
      [expect.closeTo(up(-30), 0), expect.closeTo(up(-20), 0)],
    ]);
  });

  it('lays bars along a vertical list, the first name on top', () => {
    const picture = readPicture(
      toSvg(figure([bar('a', RED, [5, 10])], { x: { title: 'x', unit: '', range: [0, 10] }, y: names })),
    );
    const [first, second] = boxes(picture, RED);
    expect(first.left).toBeCloseTo(picture.plot.left, 1);
    expect(first.right).toBeCloseTo(at(picture, 0.5, 0)[0], 1);
    expect(second.right).toBeCloseTo(picture.plot.right, 1);
    expect(first.bottom).toBeLessThan(second.top);
  });

  it('draws a histogram bin from edge to edge', () => {
    const trace: Trace = {
      kind: 'histogram',
      name: 'h',
      color: RED,
      edges: [0, 2, 6, 10],
      counts: [100, 0, 50],
    };
    const picture = readPicture(toSvg(figure([trace])));
    const [first, last, ...others] = boxes(picture, RED);
    expect(others).toEqual([]);
    expect(first.right).toBeCloseTo(at(picture, 0.2, 0)[0], 1);
    expect(first.top).toBeCloseTo(picture.plot.top, 1);
    expect(last.left).toBeCloseTo(at(picture, 0.6, 0)[0], 1);
    expect(last.top).toBeCloseTo(at(picture, 0, 0.5)[1], 1);
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

  it('shows names in a legend only where there are several', () => {
    const texts = (traces: Trace[]): string[] =>
      readPicture(toSvg(figure(traces))).texts.map(({ text }) => text);
    expect(texts([line([0, 1], [0, 1])])).not.toContain('a line');
    expect(texts([line([0, 1], [0, 1]), line([0, 1], [1, 0], { name: 'b' })])).toContain('a line');
    expect(texts([line([0, 1], [0, 1]), line([0, 1], [1, 0], { name: 'b', inLegend: false })])).not.toContain(
      'b',
    );
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
