/**
 * Errors as the reader of a cell wants them: by the lines that the reader wrote. What runs is compiled twice and wrapped
 * by tslab, so stacks are mapped back, and the frames of tslab and Node.js go.
 */
import { SourceMap } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Cell
 * @property {string} source
 * @property {number} lines of the code that runs; tslab's own call stands below them
 * @property {{ module: string, script: string }} maps
 * @property {SourceMap[]} [read] the same, read when a stack asks for them
 *
 * @typedef {object} Frame
 * @property {number | undefined} cell the reader's own line is of this cell; undefined where the frame is the library's
 * @property {number} line from 1
 * @property {string} place for a stack: `cell 3, line 2` or `lib/dist/training/train.js:57:9`
 * @property {string | null} name of the function
 */

const PROJECT = `${dirname(dirname(dirname(fileURLToPath(import.meta.url))))}/`;
const CELL = /^cell-(\d+)$/;
/** Frames that say nothing to the reader. */
const FOREIGN = /^node:|[\\/]tslab[\\/]|[\\/]scripts[\\/]kernel|^evalmachine/;
/** tslab's `export {};` stands above the cell's first line. */
const LINES_ABOVE = 1;
const SHOWN_FRAMES = 5;
const SHOWN_CODE = 100;

/** @type {Map<number, Cell>} by execution count: functions of old cells may fail in later ones */
const cells = new Map();
/** @type {WeakMap<object, Frame[]>} */
const framesOf = new WeakMap();

/** What a cell's code must carry at its end, so that stacks name the cell. @param {number} count */
export const nameComment = (count) => `//# sourceURL=cell-${count}`;

/**
 * Keeps what maps a cell's compiled lines back.
 * @param {number} count the cell's execution count
 * @param {Cell} cell
 */
export function rememberCell(count, cell) {
  cells.set(count, cell);
}

/** Between a cell's line and an error in an own quantizer lie a model and TensorFlow; Node.js keeps ten calls. */
const MOST_FRAMES = 50;

/** Has all stacks of this process name cells and their lines. */
export function mapStacks() {
  Error.stackTraceLimit = MOST_FRAMES;
  Error.prepareStackTrace = (error, callSites) => {
    const frames = callSites.map(readFrame).filter((frame) => frame !== undefined);
    framesOf.set(error, frames);
    const lines = frames.map(({ name, place }) => `\n    at ${name === null ? place : `${name} (${place})`}`);
    return `${headline(error)}${lines.join('')}`;
  };
}

/**
 * What a cell shows of an error that ended it: its message, and the reader's lines that led to it, innermost first.
 * @param {unknown} error whatever was thrown
 * @param {number} count of the cell that failed
 * @returns {{ name: string, message: string, lines: string[] }}
 */
export function explainError(error, count) {
  if (!(error instanceof Error)) {
    return { name: 'Thrown', message: String(error), lines: [`Thrown: ${String(error)}`] };
  }
  // Whoever reads it first has it made, and with it the frames.
  void error.stack;
  const frames = framesOf.get(error) ?? [];
  const own = frames.filter(({ cell }) => cell !== undefined);
  const builtIn = [TypeError, ReferenceError, RangeError].some((kind) => error.constructor === kind);
  // The library's own errors say all in their message; a fault of the library needs its place.
  const library = frames[0]?.cell === undefined && (builtIn || own.length === 0) ? frames.slice(0, 1) : [];
  const cause = error.cause instanceof Error ? [`Caused by ${headline(error.cause)}`] : [];
  return {
    name: error.name,
    message: error.message,
    lines: [
      headline(error),
      ...library.map(({ place }) => `    in ${place}`),
      ...own.slice(0, SHOWN_FRAMES).map((frame) => `    ${describeLine(frame, count)}`),
      ...cause,
    ],
  };
}

/** @param {Error} error */
function headline(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

/** @param {Frame} frame @param {number} count */
function describeLine({ cell, line, name }, count) {
  const where = cell === count ? `line ${line}` : `cell ${cell}, line ${line}`;
  const code = cells.get(/** @type {number} */ (cell))?.source.split('\n')[line - 1]?.trim() ?? '';
  const shown = code.length > SHOWN_CODE ? `${code.slice(0, SHOWN_CODE)} …` : code;
  return `${where}${name === null ? '' : ` in ${name}`}: ${shown}`;
}

/**
 * @param {NodeJS.CallSite} site
 * @returns {Frame | undefined} nothing for frames that say nothing
 */
function readFrame(site) {
  const file = /** @type {any} */ (site).getScriptNameOrSourceURL() ?? '';
  const line = site.getLineNumber() ?? 0;
  const column = site.getColumnNumber() ?? 0;
  const name = site.getFunctionName() || null;
  const [, count] = CELL.exec(file) ?? [];
  if (count === undefined) {
    if (file === '' || FOREIGN.test(file)) return undefined;
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    return { cell: undefined, line, place: `${path.replace(PROJECT, '')}:${line}:${column}`, name };
  }
  const cell = Number(count);
  const mapped = mapLine(cell, line, column);
  return mapped === undefined
    ? undefined
    : { cell, line: mapped, place: `cell ${cell}, line ${mapped}`, name };
}

/**
 * The reader's line behind a place in the code that runs.
 * @param {number} count
 * @param {number} line from 1
 * @param {number} column from 1
 */
function mapLine(count, line, column) {
  const cell = cells.get(count);
  if (cell === undefined || line > cell.lines) return undefined;
  cell.read ??= [cell.maps.script, cell.maps.module].map((map) => new SourceMap(JSON.parse(map)));
  // The code that runs begins with an empty line of the wrapper's.
  let place = { line: line - 2, column: column - 1 };
  for (const map of cell.read) {
    const entry = /** @type {any} */ (map.findEntry(place.line, place.column));
    if (entry.originalLine === undefined) return undefined;
    place = { line: entry.originalLine, column: entry.originalColumn };
  }
  return place.line - LINES_ABOVE + 1;
}
