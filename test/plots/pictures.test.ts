/**
 * Pictures of the gallery, as they were looked at, and the contract of both renderers: what plotly is told to draw lies in
 * the picture at the same place, and nothing else does. `UPDATE_PICTURES=1` writes the pictures again: look at them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { toPlotly, type PlotlyFigure } from '../../lib/plots/draw/plotly.js';
import { toSvg } from '../../lib/plots/draw/svg.js';
import { plotlyFaults } from './draw/plotly-validate.js';
import { GALLERY } from './gallery.js';
import { readPicture, type DrawnPath, type Picture, type Point } from './picture.js';

const golden = new URL('../golden/pictures/', import.meta.url);
const output = new URL('../output/pictures/', import.meta.url);

describe.each(Object.entries(GALLERY))('the figure %s', (name, figure) => {
  it('is drawn as the picture that was looked at', () => {
    const file = new URL(`${name}.svg`, golden);
    const svg = `${toSvg(figure)}\n`;
    if (process.env['UPDATE_PICTURES']) writeFileSync(file, svg);
    const looked = readFileSync(file, 'utf8');
    if (svg !== looked) {
      mkdirSync(output, { recursive: true });
      writeFileSync(new URL(`${name}.svg`, output), svg);
    }
    expect(svg, `test/output/pictures/${name}.svg differs from test/golden/pictures/`).toBe(looked);
  });

  it('is the same in plotly: traces, axes and texts', () => {
    expect(drawnBesides(readPicture(toSvg(figure)), toPlotly(figure))).toEqual([]);
  });

  it('passes Plotly.validate', () => {
    expect(plotlyFaults(toPlotly(figure)).map(({ msg }) => msg)).toEqual([]);
  });
});

/** What of plotly's traces and axes is read here. */
interface Trace {
  type: string;
  mode?: string;
  name: string;
  showlegend?: boolean;
  x: (number | string | null)[];
  x0?: number;
  dx?: number;
  y: (number | string | null)[];
  z: (number | null)[][];
  zmin: number;
  zmax: number;
  colorscale: [number, string][];
  orientation?: string;
  fill?: string;
  line: { color: string; width: number; shape?: string };
  marker: { color: string; size: number | number[]; line: { color: string } };
  error_x?: { array: (number | null)[]; arrayminus: (number | null)[]; color: string };
  error_y?: { array: (number | null)[]; arrayminus: (number | null)[]; color: string };
}

interface Axis {
  type: string;
  range: [number, number];
  categoryarray?: string[];
  title: { text: string };
}

interface Layout {
  title: { text: string };
  xaxis: Axis;
  yaxis: Axis;
  showlegend: boolean;
  barmode?: string;
  bargap?: number;
  annotations: { text: string }[];
  shapes: { label?: { text: string } }[];
}

type Place = (x: number | string, y: number | string) => Point;

/** Where plotly puts a value, in pixels of the picture. */
function placing({ plot }: Picture, { xaxis, yaxis }: Layout): Place {
  const share = ({ type, range: [from, to], categoryarray }: Axis, value: number | string): number => {
    const at = typeof value === 'string' ? categoryarray!.indexOf(value) : value;
    return ((type === 'log' ? Math.log10(at) : at) - from) / (to - from);
  };
  return (x, y) => [
    plot.left + share(xaxis, x) * (plot.right - plot.left),
    plot.bottom - share(yaxis, y) * (plot.bottom - plot.top),
  ];
}

/** Expects all of plotly's traces and texts in the picture; what paths it has besides. */
function drawnBesides(picture: Picture, plotly: PlotlyFigure): DrawnPath[] {
  const traces = (plotly.data as unknown as Trace[]).map(withPlaces);
  const layout = plotly.layout as unknown as Layout;
  const place = placing(picture, layout);
  const claimed = new Set<DrawnPath>();
  const claim: Claim = (what, is) => {
    const found = picture.paths.find((path) => is(path) && !claimed.has(path));
    if (found === undefined) throw new Error(`the picture lacks ${what}`);
    claimed.add(found);
    return found;
  };
  for (const trace of traces) {
    if (trace.type === 'heatmap') expectCells(picture, trace, layout);
    else if (trace.type === 'bar') expectBars(claim, traces, trace, layout, place);
    else if (trace.fill === 'toself') {
      const region = claim('a band', ({ fill, width }) => fill === trace.line.color && width === 0);
      expectPoints(region.stretches.flat(), stretches(trace, place).flat());
    } else if (trace.line?.shape === 'hv') {
      const bins = claim('bins', ({ fill }) => fill === trace.line.color);
      const ground = layout.yaxis.type === 'log' ? 10 ** layout.yaxis.range[0] : 0;
      expectPoints(tops(bins, place(0, ground)[1]), steps(trace, ground, place));
    } else {
      expectLineAndMarks(claim, trace, place);
      expectWhiskers(claim, trace, trace.x, trace.y, place);
    }
  }
  expectTexts(picture, traces, layout);
  return picture.paths.filter((path) => !claimed.has(path));
}

/** Plotly takes places of equal distance as the first and the distance. */
function withPlaces(trace: Trace): Trace {
  const { x0, dx } = trace;
  if (trace.type !== 'scatter' || x0 === undefined) return trace;
  return { ...trace, x: trace.y.map((_, i) => x0 + i * dx!) };
}

/** Takes a path that no other trace has taken. */
type Claim = (what: string, is: (path: DrawnPath) => boolean) => DrawnPath;

/** Lines of a trace between its gaps, in pixels. */
function stretches({ x, y }: Trace, place: Place): Point[][] {
  const found: Point[][] = [[]];
  x.forEach((value, i) => {
    if (value === null || y[i] === null) found.push([]);
    else found.at(-1)!.push(place(value, y[i]));
  });
  return found.filter(({ length }) => length > 0);
}

function expectLineAndMarks(claim: Claim, trace: Trace, place: Place): void {
  const wanted = stretches(trace, place);
  if (trace.mode!.includes('lines')) {
    const { color, width } = trace.line;
    const path = claim('a line', (one) => one.stroke === color && one.width === width && !one.closed);
    // A point by itself is a step of no length.
    const found = path.stretches.map((points) =>
      points.filter((point, i) => i === 0 || point.join() !== points[i - 1].join()),
    );
    expect(found.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
    expectPoints(found.flat(), wanted.flat());
  }
  if (trace.mode!.includes('markers') && typeof trace.marker.size === 'number') {
    const marks = claim(
      'marks',
      ({ stroke, width, closed }) => stroke === trace.marker.color && (width > 2 || closed),
    );
    expectPoints(
      marks.stretches.map(([center]) => center),
      wanted.flat(),
    );
  }
}

/** Ends of error bars, whose places may lie between names: plotly has distances from the value. */
function expectWhiskers(
  claim: Claim,
  trace: Trace,
  x: readonly (number | string | null)[],
  y: readonly (number | string | null)[],
  place: Place,
): void {
  const ends = x.flatMap((across, i) => {
    const up = y[i];
    if (across === null || up === null) return [];
    const [errorX, errorY] = [trace.error_x, trace.error_y].map((error) =>
      error?.array[i] == null ? [] : [-error.arrayminus[i]!, error.array[i]],
    );
    return [
      ...errorY.map((distance) => place(across, Number(up) + distance)),
      ...errorX.map((distance) => place(Number(across) + distance, up)),
    ];
  });
  if (ends.length === 0) return;
  const color = (trace.error_x ?? trace.error_y)!.color;
  const path = claim('error bars', (one) => one.stroke === color && one.width === 1.5 && one.fill === 'none');
  // Each is a cap, a stem and a cap.
  expectPoints(path.stretches.filter((_, i) => i % 3 === 1).flat(), ends);
}

/** Bars as plotly's rules place them: side by side in their category, or on each other. */
function expectBars(
  claim: Claim,
  traces: readonly Trace[],
  trace: Trace,
  { barmode, bargap, xaxis, yaxis }: Layout,
  place: Place,
): void {
  const lying = trace.orientation === 'h';
  const bars = traces.filter(({ type }) => type === 'bar');
  const earlier = bars.slice(0, bars.indexOf(trace));
  const stacked = barmode === 'relative';
  const width = (1 - bargap!) / (stacked ? 1 : bars.length);
  const valuesOf = (one: Trace): (number | null)[] => (lying ? one.x : one.y) as (number | null)[];
  const values = valuesOf(trace);
  const names = (lying ? trace.y : trace.x) as string[];
  const middles = names.map(
    (name) =>
      (lying ? yaxis : xaxis).categoryarray!.indexOf(name) +
      (stacked ? 0 : width * (earlier.length - (bars.length - 1) / 2)),
  );
  const corners = values.flatMap((value, i) => {
    if (value === null) return [];
    const below = earlier.map((one) => valuesOf(one)[i] ?? 0).filter((one) => one < 0 === value < 0);
    const base = stacked ? below.reduce((sum, one) => sum + one, 0) : 0;
    return [
      [middles[i] - width / 2, base],
      [middles[i] + width / 2, base + value],
    ].map(([along, up]) => (lying ? place(up, along) : place(along, up)));
  });
  const path = claim('bars', ({ fill }) => fill === trace.marker.line.color);
  expectBoxes(
    path.stretches.flatMap((points) => [points[0], points[2]]),
    corners,
  );
  expectWhiskers(claim, trace, lying ? values : middles, lying ? middles : values, place);
}

/** Boxes by two opposite corners each, whichever they are. */
function expectBoxes(found: readonly Point[], wanted: readonly Point[]): void {
  const sorted = (points: readonly Point[]): Point[] =>
    points.flatMap((_, i) => {
      if (i % 2 === 1) return [];
      const [a, b] = [points[i], points[i + 1]];
      return [
        [Math.min(a[0], b[0]), Math.min(a[1], b[1])],
        [Math.max(a[0], b[0]), Math.max(a[1], b[1])],
      ] as Point[];
    });
  expectPoints(sorted(found), sorted(wanted));
}

/** Ends of the level stretches of a histogram's outline, in pixels, those on the ground left out. */
function tops(bins: DrawnPath, ground: number): Point[] {
  return bins.stretches.flatMap((points) =>
    points.flatMap((point, i) => {
      const next = points[i + 1];
      const isLevel = next !== undefined && next[1] === point[1] && next[0] !== point[0];
      return isLevel && Math.abs(point[1] - ground) > 0.5 ? [point, next] : [];
    }),
  );
}

/** The same of plotly's steps, each from its edge to the next. */
function steps({ x, y }: Trace, ground: number, place: Place): Point[] {
  return x
    .slice(0, -1)
    .flatMap((from, i) =>
      Math.abs(Number(y[i]) - ground) <= 1e-6 * ground ? [] : [place(from!, y[i]!), place(x[i + 1]!, y[i]!)],
    );
}

/** Each cell has the colour of its value: first row on top and first column left where the axes say so. */
function expectCells(picture: Picture, trace: Trace, { xaxis, yaxis }: Layout): void {
  const [cells] = picture.images;
  const { left, right, top, bottom } = picture.plot;
  expectPoints(
    [
      [cells.x, cells.y],
      [cells.x + cells.width, cells.y + cells.height],
    ],
    [
      [left, top],
      [right, bottom],
    ],
  );
  const rows = yaxis.range[0] > yaxis.range[1] ? trace.z : trace.z.toReversed();
  const colors = rows.map((row) => (xaxis.range[0] < xaxis.range[1] ? row : row.toReversed()));
  readPng(cells.href).forEach((row, i) =>
    row.forEach((color, k) => {
      const value = colors[i][k];
      if (value === null) expect(color[3]).toBe(0);
      else mixed(trace, value).forEach((channel, c) => expect(Math.abs(color[c] - channel)).toBeLessThan(6));
    }),
  );
}

function mixed({ colorscale, zmin, zmax }: Trace, value: number): number[] {
  const share = (value - zmin) / (zmax - zmin);
  const after = Math.max(
    1,
    colorscale.findIndex(([stop]) => stop >= share - 1e-9),
  );
  const [[low, dark], [high, light]] = [colorscale[after - 1], colorscale[after]];
  const part = (share - low) / (high - low);
  return [1, 3, 5].map((at) => {
    const [a, b] = [dark, light].map((color) => Number.parseInt(color.slice(at, at + 2), 16));
    return a + part * (b - a);
  });
}

/** Red, green, blue and opacity of a PNG with a palette, row by row. */
function readPng(href: string): number[][][] {
  const bytes = Buffer.from(href.replace('data:image/png;base64,', ''), 'base64');
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    chunks.set(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height] = [chunks.get('IHDR')!.readUInt32BE(0), chunks.get('IHDR')!.readUInt32BE(4)];
  const rows = inflateSync(chunks.get('IDAT')!);
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => {
      const color = rows[row * (width + 1) + 1 + column];
      const palette = chunks.get('PLTE')!;
      return [palette[color * 3], palette[color * 3 + 1], palette[color * 3 + 2], chunks.get('tRNS')![color]];
    }),
  );
}

function expectTexts(picture: Picture, traces: readonly Trace[], layout: Layout): void {
  const literal = (text: string): string[] =>
    text
      .replaceAll(/<\/?b>/g, '')
      .split('<br>')
      .map((line) => line.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'))
      .filter((line) => line !== '');
  const names = traces.filter(({ type, showlegend }) => type !== 'heatmap' && showlegend !== false);
  const wanted = [
    layout.title.text,
    ...[layout.xaxis, layout.yaxis].flatMap(({ title, categoryarray = [] }) => [
      title.text,
      ...categoryarray,
    ]),
    ...layout.annotations.map(({ text }) => text),
    ...layout.shapes.map(({ label }) => label?.text ?? ''),
    ...(layout.showlegend ? names.map(({ name }) => name) : []),
  ].flatMap(literal);
  const found = picture.texts.map(({ text }) => text);
  expect(found).toEqual(expect.arrayContaining(wanted));
  if (!layout.showlegend) for (const { name } of names) expect(found).not.toContain(name);
}

/** The same points in the same order; pictures have tenths of a pixel. */
function expectPoints(found: readonly Point[], wanted: readonly Point[]): void {
  expect(found.length).toBe(wanted.length);
  found.forEach(([x, y], i) => {
    expect(Math.abs(x - wanted[i][0]), `x of point ${i}: ${x} for ${wanted[i][0]}`).toBeLessThan(0.16);
    expect(Math.abs(y - wanted[i][1]), `y of point ${i}: ${y} for ${wanted[i][1]}`).toBeLessThan(0.16);
  });
}
