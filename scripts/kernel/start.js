/** The kernel from its start: cells, the server that Jupyter speaks to, and what happens outside of any cell. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Cells } from './cells.js';
import { provideGroupBy } from './group-by.js';
import { CellServer } from './server.js';
import { explainError, mapStacks } from './stack.js';

/** @param {string} configPath Jupyter's connection file */
export async function startKernel(configPath) {
  process.chdir(notebooksAround(process.cwd()));
  provideGroupBy();
  mapStacks();
  const cells = new Cells(process.cwd());
  printToCells(cells);
  process.on('SIGINT', () => cells.stop());
  process.on('uncaughtException', (error) => complain(cells, 'An error that nothing caught', error));
  process.on('unhandledRejection', (reason) =>
    complain(cells, 'A promise that nothing awaited failed', reason),
  );
  await new CellServer(cells, configPath).init();
}

/**
 * The folder from which cells read `'../lib'`: Jupyter starts the kernel beside the notebook, which may lie deeper, as in
 * notebooks/my. A copy of a notebook works there as it is.
 * @param {string} folder
 */
function notebooksAround(folder) {
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if (existsSync(join(dirname(at), 'lib', 'package.json'))) return at;
  return folder;
}

/** Sends what is printed to the cell that runs, or that ran last; before the first, to the terminal. @param {Cells} cells */
function printToCells(cells) {
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    const stream = process[name];
    const toTerminal = stream.write.bind(stream);
    /** @type {any} */ (stream).write = (
      /** @type {string | Uint8Array} */ chunk,
      /** @type {unknown[]} */ ...rest
    ) => {
      if (cells.output === undefined) return toTerminal(chunk);
      cells.output.print(name, chunk);
      const done = rest.find((argument) => typeof argument === 'function');
      if (done) queueMicrotask(/** @type {() => void} */ (done));
      return true;
    };
  }
}

/** @param {Cells} cells @param {string} what @param {unknown} error */
function complain(cells, what, error) {
  const text = `${what}: ${explainError(error, cells.count).lines.join('\n')}\n`;
  if (cells.output) cells.output.print('stderr', text);
  else process.stderr.write(text);
}
