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
/** Numbers from here on are written by their power of ten. */
const LONGEST = 1e15;
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
  const interval = (low: string, high: string): string =>
    ` [${low.padStart(widths[0], FIGURE_SPACE)}, ${high.padStart(widths[1], FIGURE_SPACE)}]`.replaceAll(
      ' ',
      '\u00a0',
    );
  const [model] = intervals.filter((bounds) => bounds !== undefined);
  const texts = cells.map((cell) => {
    if (cell === null || cell === undefined || cell === '') return '';
    const bounds = isBounded(cell) ? intervalOf(cell, write) : undefined;
    // A value without an interval keeps its place among those that have one.
    const behind = bounds ? interval(...bounds) : model ? blank(interval(...model)) : '';
    return write(isBounded(cell) ? cell.value : Number(cell)) + behind;
  });
  return { numeric, texts };
}

/** Spaces that are about as wide as the text. */
function blank(text: string): string {
  return text.replaceAll(/[\d−]/g, FIGURE_SPACE).replaceAll(/[.,]/g, '\u2008').replaceAll(/[[\]]/g, '\u2005');
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
      Math.abs(value) >= LONGEST || (each && !Number.isInteger(value))
        ? String(Number(value.toPrecision(significantIn(value)))).replace('e+', 'e')
        : value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
    // What rounds to 0 has no sign.
    return /[1-9]/.test(text) ? text.replaceAll('-', '−') : text.replace('-', '');
  };
}

/** Four digits that count, and one after the point of what has four before it. */
function significantIn(value: number): number {
  const size = Math.abs(value);
  return size >= 1 && size < LONGEST ? Math.max(SIGNIFICANT, Math.floor(Math.log10(size)) + 2) : SIGNIFICANT;
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
