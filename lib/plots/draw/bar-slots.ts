/** Where bars stand: side by side within their category, or on each other. */
import type { DrawnFigure } from './drawable.js';
import type { BarTrace } from '../figure.js';

/** Share of a category that its bars fill. */
export const BAR_SHARE = 0.76;

/** One bar in the units of the axes. */
export interface BarSlot {
  /** Bounds along the category axis, in categories. */
  from: number;
  to: number;
  /** Where it begins and ends along the axis of values; `base` is null for the edge of a log axis. */
  base: number | null;
  end: number;
  /** Index of the bar in its trace. */
  index: number;
}

/** Bars of each bar trace, in the order of the figure's bar traces; gaps are left out. */
export function barSlots(figure: DrawnFigure): Map<BarTrace, BarSlot[]> {
  const bars = figure.traces.filter((trace): trace is BarTrace & { color: string } => trace.kind === 'bar');
  const horizontal = figure.y.scale === 'category';
  const [names, values] = horizontal ? [figure.y, figure.x] : [figure.x, figure.y];
  const stacked = figure.bars === 'stacked';
  const width = BAR_SHARE / (stacked ? 1 : Math.max(bars.length, 1));
  const heights = new Map<string, { up: number; down: number }>();
  const slots = new Map<BarTrace, BarSlot[]>();
  bars.forEach((trace, order) => {
    const own: BarSlot[] = [];
    trace.at.forEach((name, index) => {
      const value = trace.values[index];
      if (value == null) return;
      const from = names.categories.indexOf(name) - BAR_SHARE / 2 + (stacked ? 0 : order * width);
      const height = heights.get(name) ?? { up: 0, down: 0 };
      const side = value < 0 ? 'down' : 'up';
      const start = stacked ? height[side] : 0;
      height[side] += value;
      heights.set(name, height);
      own.push({
        from,
        to: from + width,
        base: values.scale === 'log' ? null : start,
        end: start + value,
        index,
      });
    });
    slots.set(trace, own);
  });
  return slots;
}
