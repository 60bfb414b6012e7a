import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeFigure } from '../../../lib/plots/describe.js';
import { drawable } from '../../../lib/plots/draw/drawable.js';
import { FigureError, type Axis, type Figure, type Trace } from '../../../lib/plots/figure.js';
import { toPlotly } from '../../../lib/plots/draw/plotly.js';
import { toSvg } from '../../../lib/plots/draw/svg.js';
import { readPicture } from '../picture.js';

/** Any number that JavaScript has, often one that is hard to draw. */
const number = fc.oneof(
  fc.double(),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, Number.MAX_VALUE, Number.NaN, Infinity),
);
// The parser takes a replacement character for a fault of encoding.
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((any) => any.replaceAll('\uFFFD', '?'));
const scale = fc.constantFrom('linear', 'log', undefined);

function columns<T>(count: number, make: (column: () => fc.Arbitrary<number[]>) => T): T {
  return make(() => fc.array(number, { minLength: count, maxLength: count }));
}

const interval = (count: number): fc.Arbitrary<{ low: number[]; high: number[] } | undefined> =>
  columns(count, (column) => fc.option(fc.record({ low: column(), high: column() }), { nil: undefined }));

const numberTrace: fc.Arbitrary<Trace> = fc.nat(20).chain((count) =>
  columns(count, (column) =>
    fc.oneof(
      fc.record({
        kind: fc.constant('line' as const),
        name: text,
        x: column(),
        y: column(),
        markers: fc.boolean(),
        faint: fc.boolean(),
        band: interval(count),
        errorY: interval(count),
      }),
      fc.record({
        kind: fc.constant('scatter' as const),
        name: text,
        x: column(),
        y: column(),
        errorX: interval(count),
        errorY: interval(count),
        symbol: fc.constantFrom('circle', 'circle-open', 'diamond', undefined) as fc.Arbitrary<
          'circle' | undefined
        >,
      }),
      fc.record({
        kind: fc.constant('histogram' as const),
        name: text,
        edges: fc
          .uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
            minLength: count + 1,
            maxLength: count + 1,
            comparator: (a, b) => a === b,
          })
          .map((edges) => edges.sort((a, b) => a - b)),
        counts: column(),
      }),
    ),
  ),
);

const figure: fc.Arbitrary<Figure> = fc.record({
  title: text,
  x: fc.record({ title: text.map((t) => `x${t}`), unit: text, scale }),
  y: fc.record({
    title: text.map((t) => `y${t}`),
    unit: text,
    scale,
    reversed: fc.boolean(),
  }),
  traces: fc.array(numberTrace, { maxLength: 4 }),
  lines: fc.array(fc.record({ axis: fc.constantFrom('x', 'y'), at: number, label: text }), {
    maxLength: 2,
  }),
  annotations: fc.array(fc.record({ x: number, y: number, text }), { maxLength: 2 }),
  notes: fc.array(text, { maxLength: 2 }),
});

const bars: fc.Arbitrary<Figure> = fc
  .record({
    names: fc.uniqueArray(text, { maxLength: 30 }),
    stacked: fc.boolean(),
    lying: fc.boolean(),
    log: fc.boolean(),
  })
  .chain(({ names, stacked, lying, log }) => {
    const category: Axis = { title: 'c', unit: '', scale: 'category' };
    const value: Axis = { title: 'v', unit: 'm', scale: log && !stacked ? 'log' : 'linear' };
    return columns(names.length, (column) =>
      fc.record({
        title: text,
        x: fc.constant(lying ? value : category),
        y: fc.constant(lying ? category : value),
        bars: fc.constant(stacked ? ('stacked' as const) : ('grouped' as const)),
        traces: fc.array(
          fc.record({
            kind: fc.constant('bar' as const),
            name: text,
            at: fc.constant(names),
            values: column(),
            error: interval(names.length),
          }),
          { maxLength: 4 },
        ),
      }),
    );
  });

const heatmaps: fc.Arbitrary<Figure> = fc.tuple(fc.nat(6), fc.nat(6)).chain(([rows, columnCount]) =>
  fc.record({
    title: text,
    x: fc.constant<Axis>({ title: 'x', unit: '' }),
    y: fc.constant<Axis>({ title: 'y', unit: '', reversed: true }),
    traces: fc.tuple(
      fc.record({
        kind: fc.constant('heatmap' as const),
        name: text,
        title: text,
        unit: text,
        rows: fc.constant(rows),
        columns: fc.constant(columnCount),
        values: fc.array(number, { minLength: rows * columnCount, maxLength: rows * columnCount }),
        colors: fc.constantFrom('sequential', 'diverging') as fc.Arbitrary<'sequential'>,
      }),
    ),
  }),
);

/** Paths to what JSON has no word for. */
function notJson(value: unknown, path = ''): string[] {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value)))
    return [`${path} ${value}`];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => notJson(inner, `${path}.${key}`));
}

describe('any figure', () => {
  it('is drawn as well-formed SVG with finite numbers, as JSON for plotly, and in words', () => {
    fc.assert(
      fc.property(fc.oneof(figure, bars, heatmaps), (one) => {
        const svg = toSvg(one);
        readPicture(svg);
        const numbers = svg.replace(/aria-label="[^"]*"/, '').replaceAll(/>[^<]*</g, '><');
        expect(numbers).not.toMatch(/NaN|Infinity|undefined/);
        expect(notJson(toPlotly(one))).toEqual([]);
        expect(describeFigure(one)).toContain('x: ');
      }),
      { numRuns: 400, seed: 1 },
    );
  });
});

describe('drawable', () => {
  const plain: Figure = {
    title: 'f',
    x: { title: 'x', unit: 's' },
    y: { title: 'y', unit: 'm' },
    traces: [],
  };
  const line = (name: string, x: number[], y: number[]): Trace => ({ kind: 'line', name, x, y });

  it('writes units in brackets, and none for pure numbers', () => {
    const drawn = drawable({ ...plain, y: { title: 'ratio', unit: '' } });
    expect([drawn.x.label, drawn.y.label]).toEqual(['x (s)', 'ratio']);
  });

  it('shows reference lines and bounds within the range', () => {
    const drawn = drawable({
      ...plain,
      traces: [{ ...line('a', [0, 1], [1, 2]), band: { low: [-5, 0], high: [1, 9] } } as Trace],
      lines: [{ axis: 'y', at: 20, label: 'far' }],
    });
    expect(drawn.y.domain[0]).toBeLessThanOrEqual(-5);
    expect(drawn.y.domain[1]).toBeGreaterThanOrEqual(20);
    expect(drawn.x.domain).toEqual([0, 1]);
  });

  it('leaves room beside a line of one point, which is a dot, and none beside longer lines', () => {
    const xDomain = (...steps: number[][]): readonly number[] =>
      drawable({
        title: '',
        x: { title: 'Training', unit: 'steps' },
        y: { title: 'Loss', unit: 'nats' },
        traces: steps.map((x) => ({ kind: 'line', name: '', x, y: x })),
      }).x.domain;
    expect(xDomain([1, 2], [1, 2])).toEqual([1, 2]);
    const [from, to] = xDomain([1, 2], [2]);
    expect(from).toBeLessThan(1);
    expect(to).toBeGreaterThan(2);
  });

  it('begins bars at zero', () => {
    const bar: Trace = { kind: 'bar', name: 'b', at: ['a'], values: [7] };
    const drawn = drawable({ ...plain, x: { title: 'x', unit: '', scale: 'category' }, traces: [bar] });
    expect(drawn.y.domain[0]).toBe(0);
    expect(drawn.x.domain).toEqual([-0.5, 0.5]);
  });

  it('collects categories in the order in which they come', () => {
    const bar = (at: string[]): Trace => ({ kind: 'bar', name: 'b', at, values: at.map(() => 1) });
    const drawn = drawable({
      ...plain,
      x: { title: 'x', unit: '', scale: 'category' },
      traces: [bar(['b', 'a']), bar(['c', 'b'])],
    });
    expect(drawn.x.categories).toEqual(['b', 'a', 'c']);
  });

  it('keeps the range of a log axis finite, however far its values lie apart', () => {
    const drawn = drawable({
      ...plain,
      y: { title: 'y', unit: '', scale: 'log' },
      traces: [line('a', [0, 1], [1e-290, 1e290])],
    });
    expect(drawn.y.domain[0]).toBeGreaterThan(0);
    expect(drawn.y.domain[1]).toBeLessThan(Infinity);
  });

  const category = { title: 'c', unit: '', scale: 'category' } as const;
  const wrong: [string, Partial<Figure>, RegExp][] = [
    ['lengths that differ', { traces: [line('a', [1, 2], [1])] }, /trace "a": y must have 2 values, got 1/],
    [
      'a range that falls',
      { x: { title: 'x', unit: '', range: [2, 1] } },
      /x axis: range must be two ascending/,
    ],
    [
      'a log range from 0',
      { y: { title: 'y', unit: '', scale: 'log', range: [0, 1] } },
      /log range must begin above 0/,
    ],
    ['an axis without a title', { x: { title: '', unit: '' } }, /x axis: title must say/],
    [
      'names on an axis of numbers',
      { traces: [{ kind: 'scatter', name: 's', x: ['a'], y: [1] }] },
      /trace "s": x must be numbers, got "a"/,
    ],
    [
      'numbers on a category axis',
      { x: category, traces: [line('a', [1], [1])] },
      /must be names on a category axis, got 1/,
    ],
    [
      'a category that the axis has not',
      { x: { ...category, categories: ['a'] }, traces: [{ kind: 'bar', name: 'b', at: ['z'], values: [1] }] },
      /must be one of the axis' categories \(a\), got z/,
    ],
    [
      'bars without a category axis',
      { traces: [{ kind: 'bar', name: 'b', at: [], values: [] }] },
      /one category axis/,
    ],
    [
      'edges that do not ascend',
      { traces: [{ kind: 'histogram', name: 'h', edges: [1, 1], counts: [1] }] },
      /edges must be finite and ascend/,
    ],
    [
      'a colour by name',
      { traces: [{ ...line('a', [], []), color: 'red' }] },
      /color must be #rrggbb, got red/,
    ],
    ['a size that no screen has', { width: 1e9 }, /width must be 100 to 4000 pixels/],
    [
      'bars and a histogram in one chart',
      {
        x: category,
        traces: [
          { kind: 'bar', name: 'b', at: [], values: [] },
          { kind: 'histogram', name: 'h', edges: [0], counts: [] },
        ],
      },
      /got a category axis|must not share a chart/,
    ],
  ];
  it.each(wrong)('refuses %s', (_, change, message) => {
    expect(() => drawable({ ...plain, ...change })).toThrow(FigureError);
    expect(() => drawable({ ...plain, ...change })).toThrow(message);
    expect(() => drawable({ ...plain, ...change })).toThrow('figure "f"');
  });
});
