/** Scales from values to pixels, and the ticks that are written beside an axis. */
import { format as formatter } from 'd3-format';
import { scaleLinear, scaleLog } from 'd3-scale';
import { placeOn, type DrawnAxis } from './drawable.js';

/** Where a value lies in pixels. */
export type Scale = (value: number | string) => number;

/** One tick: its value on the axis (the index, for a category) and its text. */
export interface Tick {
  value: number;
  text: string;
}

/** Numbers from here on are written with a metric prefix: 3.7M. */
const PREFIX_FROM = 1e6;
/** From here on, when the whole range lies above 1000 parts of it: 50k. */
const PREFIX_FROM_LOG = 1e4;

/** The scale that puts the axis' domain on `start` … `end` in pixels. */
export function scaleOf(axis: DrawnAxis, start: number, end: number): Scale {
  const range: [number, number] = axis.reversed ? [end, start] : [start, end];
  const scale = (axis.scale === 'log' ? scaleLog() : scaleLinear()).domain([...axis.domain]).range(range);
  return (value) => scale(placeOn(axis, value));
}

/** About `count` ticks at round values. */
export function ticksOf(axis: DrawnAxis, count: number): Tick[] {
  const [from, to] = axis.domain;
  if (axis.scale === 'category') {
    const every = Math.ceil(axis.categories.length / Math.max(count, 1));
    return axis.categories.map((text, value) => ({ value, text })).filter(({ value }) => value % every === 0);
  }
  const values =
    axis.scale === 'log' ? logTicks(from, to, count) : scaleLinear().domain([from, to]).ticks(count);
  const specifier = tickFormat(axis);
  const write =
    specifier === undefined ? scaleLinear().domain([from, to]).tickFormat(count) : formatter(specifier);
  return values.map((value) => ({ value, text: write(value) }));
}

/** The d3-format specifier of an axis' ticks; undefined where the distance between ticks decides. */
export function tickFormat(axis: DrawnAxis): string | undefined {
  if (axis.format !== undefined) return axis.format;
  const [from, to] = axis.domain;
  const largest = Math.max(Math.abs(from), Math.abs(to));
  if (axis.scale === 'log') return from >= 1 && to > PREFIX_FROM_LOG ? '~s' : ',~r';
  return largest >= PREFIX_FROM ? '~s' : undefined;
}

/** Powers of ten where there are enough of them, else 1, 2 and 5 times a power, else what a linear axis would have. */
function logTicks(from: number, to: number, count: number): number[] {
  const first = Math.ceil(Math.log10(from) - 1e-9);
  const last = Math.floor(Math.log10(to) + 1e-9);
  const decades: number[] = [];
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  for (let power = first; power <= last; power += every) decades.push(Number(`1e${power}`));
  if (decades.length >= 3) return decades;
  const steps: number[] = [];
  for (let power = first - 1; power <= last; power += 1) {
    for (const digit of [1, 2, 5]) {
      const value = Number(`${digit}e${power}`);
      if (value >= from && value <= to) steps.push(value);
    }
  }
  return steps.length >= 3 ? steps : scaleLinear().domain([from, to]).ticks(count);
}
