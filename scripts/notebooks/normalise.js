/**
 * Brings a notebook into the one form in which it is committed, so that its diff shows what changed and nothing else:
 * no times, no counters, no paths of this machine, ids that stay, written as JupyterLab writes it.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LANGUAGE_INFO } from '../kernel/language.js';
import { notebookJson } from './notebook-json.js';

const PLOTLY = 'application/vnd.plotly.v1+json';
const KERNELSPEC = { display_name: 'TypeScript', language: 'typescript', name: 'tslab' };

/**
 * @typedef {{ output_type: string, name?: string, text?: unknown, data?: Record<string, unknown>, [key: string]: unknown }} Output
 * @typedef {{ cell_type: string, id?: string, source: unknown, metadata?: Record<string, unknown>, outputs?: Output[] }} Cell
 */

/**
 * @param {string} text an .ipynb file
 * @param {string} root the clone's folder, taken out of outputs
 * @returns {string} the same notebook in its one form
 */
export function normaliseNotebook(text, root) {
  /** @type {{ cells: Cell[], nbformat: number }} */
  const notebook = JSON.parse(text);
  if (notebook.nbformat !== 4) {
    throw new Error(
      `A notebook must be of nbformat 4, got ${notebook.nbformat}. Open and save it in JupyterLab.`,
    );
  }
  const ids = new Set();
  return notebookJson({
    cells: notebook.cells.map((cell) => normaliseCell(cell, ids, root)),
    metadata: { kernelspec: KERNELSPEC, language_info: LANGUAGE_INFO },
    nbformat: 4,
    nbformat_minor: 5,
  });
}

/**
 * @param {Cell} cell
 * @param {Set<string>} ids those already given
 * @param {string} root
 */
function normaliseCell(cell, ids, root) {
  const source = joined(cell.source);
  const { tags, jupyter } = /** @type {{ tags?: string[], jupyter?: object }} */ (cell.metadata ?? {});
  const common = {
    cell_type: cell.cell_type,
    id: stableId(cell.id, source, ids),
    metadata: { ...(tags?.length && { tags }), ...(jupyter && { jupyter }) },
    source: lines(source),
  };
  if (cell.cell_type !== 'code') return common;
  return {
    ...common,
    execution_count: null,
    outputs: mergeStreams(cell.outputs ?? []).map((output) => normaliseOutput(output, root)),
  };
}

/**
 * A cell keeps its id; one without gets it from what it says.
 * @param {string | undefined} id
 * @param {string} source
 * @param {Set<string>} ids
 */
function stableId(id, source, ids) {
  const base = id ?? createHash('sha256').update(source).digest('hex').slice(0, 8);
  let unique = base;
  for (let copy = 2; ids.has(unique); copy++) unique = `${base}-${copy}`;
  ids.add(unique);
  return unique;
}

/**
 * A kernel sends a stream in as many pieces as it likes.
 * @param {Output[]} outputs
 */
function mergeStreams(outputs) {
  /** @type {Output[]} */
  const merged = [];
  for (const output of outputs) {
    const last = merged.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) {
      last.text = joined(last.text) + joined(output.text);
    } else {
      merged.push({ ...output });
    }
  }
  return merged;
}

/**
 * @param {Output} output
 * @param {string} root
 */
function normaliseOutput(output, root) {
  const clean = (/** @type {unknown} */ text) => lines(withoutPaths(joined(text), root));
  if (output.output_type === 'stream') {
    return { name: output.name, output_type: 'stream', text: clean(overwritten(joined(output.text))) };
  }
  if (output.output_type === 'error') {
    return { ...output, traceback: [withoutPaths(joined(output.traceback), root)] };
  }
  /** @type {Record<string, unknown>} */
  const data = {};
  for (const [mime, value] of Object.entries(output.data ?? {})) {
    // JupyterLab adds a bitmap of every chart when it saves.
    if (mime === 'image/png' && output.data?.[PLOTLY] !== undefined) continue;
    data[mime] = isText(value) && !mime.endsWith('+json') ? clean(value) : value;
  }
  return { data, metadata: {}, output_type: 'display_data' };
}

/** @param {unknown} value */
function isText(value) {
  return (
    typeof value === 'string' || (Array.isArray(value) && value.every((line) => typeof line === 'string'))
  );
}

/** What a terminal would show: a carriage return starts a line again. @param {string} text */
function overwritten(text) {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\n]*\r(?=[^\n])/g, '')
    .replaceAll('\r', '');
}

/**
 * @param {string} text
 * @param {string} root
 */
function withoutPaths(text, root) {
  const data = process.env.BITNET_DATA_DIR;
  const folders = [pathToFileURL(root).href, root, ...(data === undefined ? [] : [resolve(data)])];
  return folders.reduce((rest, folder) => rest.replaceAll(`${folder}/`, ''), text);
}

/** @param {unknown} text Jupyter keeps text as a string or as lines */
function joined(text) {
  if (Array.isArray(text)) return text.join('');
  return typeof text === 'string' ? text : '';
}

/** What ends a line for Python, by which Jupyter cuts text. */
const LINE_ENDS = '\n\v\f\u001C\u001D\u001E\u0085\u2028\u2029';
const AFTER_LINE = new RegExp(`(?<=\r\n|[${LINE_ENDS}]|\r(?!\n))`);

/** @param {string} text */
function lines(text) {
  return text === '' ? [] : text.split(AFTER_LINE);
}
