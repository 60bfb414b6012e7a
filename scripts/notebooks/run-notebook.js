/**
 * One notebook executed from its first cell to its last, without a browser.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jupyterEnvironment } from '../jupyter.js';
import { CommandError, runCommand } from '../setup/command.js';
import { writeWhole } from '../setup/written-whole.js';
import { normaliseNotebook } from './normalise.js';

/** What a committed notebook may weigh: as Jupyter writes it, a number of a chart takes a line. */
export const MAX_NOTEBOOK_BYTES = 500_000;

const EXECUTE = fileURLToPath(new URL('./execute.py', import.meta.url));

/**
 * @typedef {object} Outcome
 * @property {number} seconds
 * @property {import('./cell-times.js').Times} times of what ran
 * @property {string} [failure] the cell that failed and what it said
 */

/**
 * Runs the notebook `source` in the project's notebooks/ and writes it with its outputs to `target`, if there is one.
 * After a failed cell `target` is written only where it is another file: a notebook that was good stays as it was.
 * @param {import('../setup/project.js').Project} project
 * @param {object} notebook
 * @param {string} notebook.source
 * @param {string} [notebook.target]
 * @param {string} [notebook.preset] reaches the cells as BITNET_PRESET
 * @param {(cell: number, of: number) => void} [onCell]
 * @returns {Promise<Outcome>}
 */
export async function runNotebook(project, { source, target, preset }, onCell) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'bitnet-notebook-'));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clean);
  const executed = join(folder, 'executed.ipynb');
  const env = jupyterEnvironment(project, folder);
  if (preset !== undefined) env.BITNET_PRESET = preset;
  /** @type {string | undefined} */
  let failure;
  /** @type {import('./cell-times.js').Times} */
  const times = { kernel: NaN, cells: [] };
  try {
    await runCommand(project.python, [EXECUTE, source, executed, project.notebooks], {
      cwd: project.notebooks,
      env,
      name: 'nbconvert',
      onLine: (line) => {
        const event = line.startsWith('{') ? JSON.parse(line) : {};
        if (event.kernel !== undefined) times.kernel = event.kernel;
        if (event.of !== undefined) onCell?.(event.cell, event.of);
        if (event.ended !== undefined) times.cells.push({ cell: event.ended, seconds: event.seconds });
        if (event.failed !== undefined) failure = `cell ${event.failed}: ${event.error}`;
      },
    }).catch((error) => {
      if (!(error instanceof CommandError)) throw error;
      failure ??= `${error.message}\n${error.output}`;
    });
    if (target !== undefined) {
      if (failure === undefined || target !== source) keep(executed, target, project.root);
      failure ??= tooLarge(target);
    }
  } finally {
    clean();
    process.removeListener('exit', clean);
  }
  return { seconds: (Date.now() - started) / 1000, times, failure };
}

/**
 * @param {string} executed
 * @param {string} target
 * @param {string} root
 */
function keep(executed, target, root) {
  let text;
  try {
    text = readFileSync(executed, 'utf8');
  } catch {
    // The run ended before anything was written; its failure says why.
    return;
  }
  writeWhole(target, normaliseNotebook(text, root));
}

/** @param {string} file */
function tooLarge(file) {
  const bytes = readFileSync(file).length;
  if (bytes <= MAX_NOTEBOOK_BYTES) return undefined;
  return (
    `the notebook with its outputs must be at most ${MAX_NOTEBOOK_BYTES / 1000} KB, is ${Math.round(bytes / 1000)} KB. ` +
    'Show fewer points in its charts.'
  );
}
