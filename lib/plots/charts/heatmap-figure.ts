import { common, type Quantity } from './chart-options.js';
import { type ChartOptions, FigureError, toValues, type Axis, type Figure } from '../figure.js';

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
  /** What the colours mean; their range by default is that of the data. */
  value: Omit<Quantity, 'scale' | 'format'>;
  /** `diverging` around zero by default where there are negative values, else `sequential`. */
  colors?: 'sequential' | 'diverging';
  /**
   * What is shown of a matrix with more than 64 rows or columns: the `means` of blocks, or the upper left `corner`,
   * where every value must be seen as it is. The notes say which. `means` by default.
   */
  larger?: 'means' | 'corner';
}

/** Rows and columns that are shown: each cell costs about 14 bytes in a notebook. */
const MAX_SIDE = 64;

/** A matrix in colours: ternary weights, activations of one token in each layer. */
export function heatmapFigure(options: HeatmapFigureOptions): Figure {
  const { rows, columns } = options;
  if (options.values.length !== rows * columns) {
    throw new FigureError(
      `figure "${options.title}": values must be rows × columns = ${rows} × ${columns}, got ${options.values.length}.`,
    );
  }
  const named = options.columnNames !== undefined || options.rowNames !== undefined;
  const notes = [...(options.notes ?? [])];
  let shown: Matrix = { rows, columns, values: toValues(options.values) };
  // What one cell stands for, where it is no single value.
  let [high, wide] = [1, 1];
  if (!named && (rows > MAX_SIDE || columns > MAX_SIDE)) {
    if (options.larger === 'corner') {
      shown = corner(shown);
      notes.push(`The first ${shown.rows} of ${rows} rows and ${shown.columns} of ${columns} columns.`);
    } else {
      [high, wide] = [Math.ceil(rows / MAX_SIDE), Math.ceil(columns / MAX_SIDE)];
      shown = blockMeans(shown, high, wide);
      notes.push(`Each cell is the mean of ${high} × ${wide} values (rows × columns).`);
    }
  }
  const negative = shown.values.some((value) => value !== null && value < 0);
  const axis = (quantity: Quantity | undefined, title: string, names: readonly string[] | undefined): Axis =>
    names === undefined
      ? (quantity ?? { title, unit: 'index' })
      : { ...(quantity ?? { title, unit: '' }), scale: 'category', categories: names };
  return {
    ...common(options),
    notes,
    x: axis(options.x, 'Column', options.columnNames),
    y: { ...axis(options.y, 'Row', options.rowNames), reversed: true },
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
        ...(!named && {
          xSpan: [-0.5, shown.columns * wide - 0.5],
          ySpan: [-0.5, shown.rows * high - 0.5],
        }),
      },
    ],
  };
}

/** `[rows, columns]`, row-major. */
interface Matrix {
  rows: number;
  columns: number;
  values: (number | null)[];
}

function corner({ rows, columns, values }: Matrix): Matrix {
  const [high, wide] = [Math.min(rows, MAX_SIDE), Math.min(columns, MAX_SIDE)];
  return {
    rows: high,
    columns: wide,
    values: Array.from({ length: high }, (_, row) =>
      values.slice(row * columns, row * columns + wide),
    ).flat(),
  };
}

/** Means over blocks of `high` × `wide` cells, holes left out; the last blocks may be smaller. */
function blockMeans({ rows, columns, values }: Matrix, high: number, wide: number): Matrix {
  const means = { rows: Math.ceil(rows / high), columns: Math.ceil(columns / wide) };
  const sums = new Float64Array(means.rows * means.columns);
  const counts = new Uint32Array(sums.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = values[row * columns + column];
      if (value === null) continue;
      const cell = Math.floor(row / high) * means.columns + Math.floor(column / wide);
      sums[cell] += value;
      counts[cell] += 1;
    }
  }
  return { ...means, values: toValues(sums.map((sum, i) => sum / counts[i])) };
}
