import type { Annotation, Axis, ReferenceLine } from '../figure.js';

/** What every chart function takes beside its data. */
export interface ChartOptions {
  title: string;
  /** What the reader should see, in one line. */
  subtitle?: string;
  /** Straight lines at known values, such as a paper's number. */
  lines?: readonly ReferenceLine[];
  annotations?: readonly Annotation[];
  /** Small print below the chart. */
  notes?: readonly string[];
  /** Pixels; 720 × 400 by default. */
  width?: number;
  height?: number;
}

/** Title and unit of what is shown; '' as unit only for pure numbers. */
export type Quantity = Pick<Axis, 'title' | 'unit'> & Partial<Pick<Axis, 'scale' | 'range' | 'format'>>;

/** The options that go into a figure as they are. */
export function common(options: ChartOptions): ChartOptions {
  const { title, subtitle, lines, annotations, notes, width, height } = options;
  return { title, subtitle, lines, annotations, notes, width, height };
}
