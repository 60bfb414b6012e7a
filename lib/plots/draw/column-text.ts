/** The cells of a column as text of equal build, so that digits of one weight lie below each other. */

/** A value and the bounds that it is known to, such as an Estimate. */
export interface Bounded {
  value: number;
  low: number;
  high: number;
}

/** What may stand in a cell; null and undefined leave it empty. */
export type Cell = number | string | boolean | bigint | Bounded | null | undefined;

/** As wide as a digit, and no place to break a line. */
const FIGURE_SPACE = '\u2007';
/** Digits that count, where nothing else is asked for. */
const SIGNIFICANT = 4;
/** Most digits after the point. */
const MAX_DIGITS = 12;
/** Columns that span more than this are written number by number: no count of digits suits both ends. */
const WIDE_SPAN = 1e4;

/** Texts of a column, and whether they are numbers: then padded to one width and one place of the point. */
export function formatColumn(
  cells: readonly Cell[],
  digits: number | undefined,
): { numeric: boolean; texts: string[] } {
  const filled = cells.filter((cell) => cell !== null && cell !== undefined && cell !== '');
  const numeric = filled.length > 0 && filled.every((cell) => isNumber(cell) || isBounded(cell));
  if (!numeric) return { numeric, texts: cells.map((cell) => oneText(cell, digits)) };
  const numbers = filled.flatMap((cell) =>
    isBounded(cell) ? [cell.value, cell.low, cell.high] : [Number(cell)],
  );
  const write = writer(numbers, digits);
  const intervals = filled.filter((cell) => isBounded(cell)).map((cell) => intervalOf(cell, write));
  const widths = [0, 1].map((side) => Math.max(0, ...intervals.map((bounds) => bounds?.[side].length ?? 0)));
  const texts = cells.map((cell) => {
    if (cell === null || cell === undefined || cell === '') return '';
    const value = write(isBounded(cell) ? cell.value : Number(cell));
    if (intervals.length === 0) return value;
    const bounds = isBounded(cell) ? intervalOf(cell, write) : undefined;
    // A value without an interval keeps its place among those that have one.
    if (bounds === undefined) return value + FIGURE_SPACE.repeat(widths[0] + widths[1] + 5);
    const [low, high] = bounds.map((text, side) => text.padStart(widths[side], FIGURE_SPACE));
    return `${value} [${low}, ${high}]`.replaceAll(' ', '\u00a0');
  });
  return { numeric, texts };
}

function isNumber(cell: Cell): cell is number | bigint {
  return typeof cell === 'number' || typeof cell === 'bigint';
}

function isBounded(cell: Cell): cell is Bounded {
  return typeof cell === 'object' && cell !== null;
}

function intervalOf({ low, high }: Bounded, write: (value: number) => string): [string, string] | undefined {
  const saysNothing = low === high || (low === -Infinity && high === Infinity);
  return saysNothing ? undefined : [write(low), write(high)];
}

function oneText(cell: Cell, digits: number | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  if (typeof cell === 'string') return cell;
  const number = isBounded(cell) ? cell.value : Number(cell);
  return writer([number], digits)(number);
}

/** How the numbers of a column are written: with one count of digits, or each by itself where they span too much. */
function writer(numbers: readonly number[], digits: number | undefined): (value: number) => string {
  const sizes = numbers.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const each =
    digits === undefined && sizes.length > 0 && !numbers.every(Number.isInteger) && most / least > WIDE_SPAN;
  const places = digits ?? (each || sizes.length === 0 ? 0 : digitsFor(sizes, most));
  return (value) => {
    if (Number.isNaN(value)) return '–';
    if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
    const text =
      each && !Number.isInteger(value)
        ? String(Number(value.toPrecision(SIGNIFICANT)))
        : value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
    return text.replace('-', '−');
  };
}

function digitsFor(sizes: readonly number[], most: number): number {
  const counting = SIGNIFICANT - Math.ceil(Math.log10(most) + 1e-9);
  const limit = Math.min(MAX_DIGITS, Math.max(0, counting));
  for (let digits = 0; digits < limit; digits += 1) {
    const scale = 10 ** digits;
    if (sizes.every((size) => Math.abs(Math.round(size * scale) / scale - size) <= 1e-9 * size))
      return digits;
  }
  return limit;
}
