/** What every chart function takes beside its data. */
import type { Axis, ChartOptions } from '../figure.js';

/** Title and unit of what is shown; '' as unit only for pure numbers. */
export type Quantity = Pick<Axis, 'title' | 'unit'> & Partial<Pick<Axis, 'scale' | 'range' | 'format'>>;

/** The options that go into a figure as they are. */
export function common(options: ChartOptions): ChartOptions {
  const { title, subtitle, lines, annotations, notes, width, height } = options;
  return { title, subtitle, lines, annotations, notes, width, height };
}
