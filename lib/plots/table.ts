/** Rows as a table: what is shown, not how it is written; `draw/written-table.ts` makes HTML and text of it. */
import { quote } from '../io/quote.js';
import { formatColumn, type Cell } from './draw/column-text.js';

/** How a column is written. */
export interface ColumnOptions {
  /** What stands above it; its key by default. */
  title?: string;
  /** Written behind the title in brackets: `Loss (nats)`. */
  unit?: string;
  /** Digits after the point; by default as few as tell the numbers apart, with up to four that count. */
  digits?: number;
}

/** Options of `table`. */
export interface TableOptions {
  /** Stands above the table. */
  title?: string;
  /** Columns by their keys, where they need more than their key for a title. */
  columns?: Readonly<Record<string, ColumnOptions>>;
  /** Small print below the table. */
  notes?: readonly string[];
}

/** A column of a table as it is written. */
export interface TableColumn {
  title: string;
  /** Numbers stand right, so that their points lie below each other; text stands left. */
  numeric: boolean;
  /** One text for each row. */
  texts: readonly string[];
}

/** A table, ready to be shown. */
export interface Table {
  title: string | undefined;
  columns: readonly TableColumn[];
  rowCount: number;
  notes: readonly string[];
}

/** Thrown for rows that are no table; the message names row and column. */
export class TableError extends Error {
  override readonly name = 'TableError';
}

/** Rows that are shown: a notebook is a file, and nobody reads more. */
const MAX_ROWS = 500;

/**
 * Makes a table of objects, one a row, whose keys are the columns: `show(table([{ arm: 'b1.58', loss: 2.06 }]))`.
 * @throws TableError where a row has other columns than the first, or a cell holds what cannot be written
 */
export function table(rows: readonly object[], options: TableOptions = {}): Table {
  const checked = checkRows(rows);
  const keys = Object.keys(checked[0] ?? {});
  for (const key of Object.keys(options.columns ?? {})) {
    if (checked.length > 0 && !keys.includes(key)) {
      throw new TableError(
        `table: options.columns must name columns of the rows (${keys.join(', ')}), got ${key}.`,
      );
    }
  }
  checked.forEach((row, i) => checkRow(row, i, keys));
  const shown = checked.slice(0, MAX_ROWS);
  const more = checked.length - shown.length;
  return {
    title: options.title,
    columns: keys.map((key) => {
      const { title = key, unit, digits } = options.columns?.[key] ?? {};
      const texts = formatColumn(
        shown.map((row) => row[key]),
        digits,
      );
      return { title: unit ? `${title} (${unit})` : title, ...texts };
    }),
    rowCount: shown.length,
    notes: [
      ...(options.notes ?? []),
      ...(more > 0 ? [`The first ${MAX_ROWS} of ${checked.length.toLocaleString('en')} rows.`] : []),
    ],
  };
}

type Row = Readonly<Record<string, Cell>>;

const EXAMPLE = "[{ arm: 'b1.58', loss: 2.06 }, { arm: 'b1', loss: 2.08 }]";

function checkRows(rows: readonly object[]): readonly Row[] {
  if (!Array.isArray(rows)) {
    throw new TableError(
      `table: rows must be a list of objects, such as ${EXAMPLE}, got ${quote(rows, 60)}.`,
    );
  }
  rows.forEach((row: unknown, i) => {
    if (row !== null && typeof row === 'object' && !Array.isArray(row)) return;
    const what = Array.isArray(row) ? 'a list' : quote(row, 60);
    throw new TableError(
      `table: row ${i + 1} must be an object that names its columns, got ${what}. Write ${EXAMPLE}.`,
    );
  });
  return rows as readonly Row[];
}

function checkRow(row: Row, index: number, keys: readonly string[]): void {
  const at = `table: row ${index + 1}`;
  const missing = keys.filter((key) => !(key in row));
  const extra = Object.keys(row).filter((key) => !keys.includes(key));
  if (missing.length > 0 || extra.length > 0) {
    const wrong = [
      missing.length > 0 ? `lacks ${missing.join(', ')}` : '',
      extra.length > 0 ? `has ${extra.join(', ')} besides` : '',
    ];
    throw new TableError(
      `${at} must have the columns of row 1 (${keys.join(', ')}), but it ${wrong.filter(Boolean).join(' and ')}. ` +
        'Where a row has no value, give the column as undefined.',
    );
  }
  for (const key of keys) {
    if (isCell(row[key])) continue;
    const what = Array.isArray(row[key]) ? 'a list' : `a value of type ${typeof row[key]}`;
    throw new TableError(
      `${at}, column ${key}, must be a number, text, true or false, { value, low, high } or undefined, got ${what}. ` +
        'Name the part of it that the table should show.',
    );
  }
}

function isCell(value: unknown): boolean {
  if (value === null || typeof value !== 'object')
    return typeof value !== 'function' && typeof value !== 'symbol';
  return ['value', 'low', 'high'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'number',
  );
}
