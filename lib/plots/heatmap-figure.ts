import { common, type ChartOptions, type Quantity } from './chart-options.js';
import { FigureError, toValues, type Axis, type Figure } from './figure.js';

/** Options of `heatmapFigure`. */
export interface HeatmapFigureOptions extends ChartOptions {
  /** `[rows, columns]`, row-major; NaN is a hole. */
  values: ArrayLike<number>;
  rows: number;
  columns: number;
  /** What the columns are, from left to right; 'column' by default. */
  x?: Quantity;
  /** What the rows are, from the top; 'row' by default. */
  y?: Quantity;
  /** Names instead of numbers at the columns or rows. */
  columnNames?: readonly string[];
  rowNames?: readonly string[];
  /** Bounds of the first and last column or row, where they are values of a quantity: rows then grow upwards. */
  xSpan?: readonly [number, number];
  ySpan?: readonly [number, number];
  /** What the colours mean; their range by default is that of the data. */
  value: Omit<Quantity, 'scale' | 'format'>;
  /** `diverging` around zero by default where there are negative values, else `sequential`. */
  colors?: 'sequential' | 'diverging';
}

/** Rows and columns that are shown one by one; of a larger matrix blocks are averaged, and the notes say so. */
const MAX_SIDE = 128;

/** A matrix in colours: ternary weights, activations of one token in each layer. */
export function heatmapFigure(options: HeatmapFigureOptions): Figure {
  const { rows, columns } = options;
  if (options.values.length !== rows * columns) {
    throw new FigureError(
      `figure "${options.title}": values must be rows × columns = ${rows} × ${columns}, got ${options.values.length}.`,
    );
  }
  const named = options.columnNames !== undefined || options.rowNames !== undefined;
  const block = named ? [1, 1] : [Math.ceil(rows / MAX_SIDE), Math.ceil(columns / MAX_SIDE)];
  const notes = [...(options.notes ?? [])];
  if (block[0] > 1 || block[1] > 1) {
    notes.push(`Each cell is the mean of ${block[0]} × ${block[1]} values (rows × columns).`);
  }
  const shown = blockMeans(options.values, rows, columns, block[0], block[1]);
  const negative = shown.values.some((value) => value !== null && value < 0);
  const axis = (quantity: Quantity | undefined, title: string, names: readonly string[] | undefined): Axis =>
    names === undefined
      ? (quantity ?? { title, unit: 'index' })
      : { ...(quantity ?? { title, unit: '' }), scale: 'category', categories: names };
  return {
    ...common(options),
    notes,
    x: axis(options.x, 'Column', options.columnNames),
    y: { ...axis(options.y, 'Row', options.rowNames), reversed: options.ySpan === undefined },
    traces: [
      {
        kind: 'heatmap',
        name: options.value.title,
        rows: shown.rows,
        columns: shown.columns,
        values: shown.values,
        colors: options.colors ?? (negative ? 'diverging' : 'sequential'),
        range: options.value.range,
        title: options.value.title,
        unit: options.value.unit,
        xSpan: options.xSpan ?? (named ? undefined : [-0.5, columns - 0.5]),
        ySpan: options.ySpan ?? (named ? undefined : [-0.5, rows - 0.5]),
      },
    ],
  };
}

function blockMeans(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  high: number,
  wide: number,
): { rows: number; columns: number; values: (number | null)[] } {
  const shown = { rows: Math.ceil(rows / high), columns: Math.ceil(columns / wide) };
  if (high === 1 && wide === 1) return { ...shown, values: toValues(values) };
  const sums = new Float64Array(shown.rows * shown.columns);
  const counts = new Uint32Array(sums.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = values[row * columns + column];
      if (!Number.isFinite(value)) continue;
      const cell = Math.floor(row / high) * shown.columns + Math.floor(column / wide);
      sums[cell] += value;
      counts[cell] += 1;
    }
  }
  return { ...shown, values: toValues(sums.map((sum, i) => sum / counts[i])) };
}
