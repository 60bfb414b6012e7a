/**
 * Runs cells one after the other, as they came. A cell that fails, or is stopped, takes those with it that wait.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { CellOutput } from './cell-output.js';
import { CellConverter } from './compile.js';
import { createExports } from './exports.js';
import { explainError } from './stack.js';
import { executor as tslab, jupyter } from './tslab.js';

/** Where tslab has the code of cells find `exports` and `require`. */
const TSLAB_GLOBAL = '__tslab__';
/** Cells that were sent before the failure may still be on their way. */
const ON_THE_WAY_MS = 50;
/** A training ends its step first; one that takes longer is spoken of. */
const PATIENCE_MS = 1_500;

/**
 * @typedef {object} Request
 * @property {string} code
 * @property {boolean} [stop_on_error]
 *
 * @typedef {object} Reply content of Jupyter's execute_reply
 * @property {'ok' | 'error' | 'aborted'} status
 * @property {number} execution_count
 * @property {string} [ename]
 * @property {string} [evalue]
 * @property {string[]} [traceback]
 *
 * @typedef {object} Running
 * @property {number} count
 * @property {CellOutput} output
 * @property {Set<Function>} listeners to the interrupt that were there before it
 * @property {boolean} stopped
 * @property {boolean} left whether it was left while it ran
 * @property {() => void} [leave] ends the wait for its last line's promise
 * @property {{ name: string, message: string, lines: string[] }} [failure]
 */

export class Cells {
  #count = 0;
  #waiting = 0;
  /** Cells that came earlier than this one are not run. */
  #dropBefore = 0;
  #arrived = 0;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** @type {Running | undefined} */
  #running;
  /** @type {CellOutput | undefined} */
  #output;
  #converter = new CellConverter();
  #exports = createExports();
  #executor;

  /** @param {string} folder where cells' imports begin */
  constructor(folder) {
    const converters = {
      node: this.#converter,
      browser: this.#converter,
      close: () => this.#converter.close(),
    };
    this.#executor = tslab.createExecutor(folder, converters, {
      log: () => {},
      error: (/** @type {unknown[]} */ ...what) => this.#noteFailure(what),
    });
    /** @type {any} */ (globalThis)[TSLAB_GLOBAL].exports = this.#exports;
  }

  /** The execution count of the cell that runs, or ran last. */
  get count() {
    return this.#count;
  }

  /** What the cell that runs, or ran last, prints to; nothing before the first. */
  get output() {
    return this.#output;
  }

  /**
   * Runs a cell when its turn comes.
   * @param {Request} request
   * @param {() => import('./cell-output.js').Publish} begin called when it does
   * @returns {Promise<Reply>}
   */
  run(request, begin) {
    const number = ++this.#arrived;
    this.#waiting++;
    const reply = this.#turn.then(async () => {
      this.#waiting--;
      const publish = begin();
      return number <= this.#dropBefore
        ? { status: /** @type {const} */ ('aborted'), execution_count: this.#count }
        : this.#runNow(request, new CellOutput(publish));
    });
    this.#turn = reply.catch(() => {});
    return reply;
  }

  /**
   * Stops the cell that runs. One whose code listens to the interrupt (a training does) ends by itself and keeps what
   * it has; others, and those that were said already, are left.
   */
  stop() {
    const running = this.#running;
    if (running === undefined) return;
    const again = running.stopped;
    running.stopped = true;
    const listens = process.rawListeners('SIGINT').some((listener) => !running.listeners.has(listener));
    if (again || !listens) {
      running.left = true;
      this.#executor.interrupt();
      running.leave?.();
      return;
    }
    setTimeout(() => {
      if (this.#running !== running || running.left) return;
      running.output.print(
        'stdout',
        'Stopping when the step under way is done; ■ once more leaves it at once.\n',
      );
    }, PATIENCE_MS).unref();
  }

  /** @param {string} code @param {number} position */
  inspect(code, position) {
    return this.#executor.inspect(code, position);
  }

  /** @param {string} code @param {number} position */
  complete(code, position) {
    return this.#executor.complete(code, position);
  }

  close() {
    this.#executor.close();
  }

  /**
   * @param {Request} request
   * @param {CellOutput} output
   * @returns {Promise<Reply>}
   */
  async #runNow({ code, stop_on_error: stopOnError = true }, output) {
    const count = ++this.#count;
    /** @type {Running} */
    const running = {
      count,
      output,
      listeners: new Set(process.rawListeners('SIGINT')),
      stopped: false,
      left: false,
    };
    this.#running = running;
    this.#output = output;
    // tslab's own displays, and ours, find their cell here.
    jupyter.lastWriteDisplayData = (data, update) => output.display(data, update);
    const ok = await this.#compileAndRun(code, running);
    this.#running = undefined;
    if (running.stopped) return this.#endStopped(running);
    const { failure } = running;
    if (ok || failure === undefined) {
      output.flush();
      return { status: ok ? 'ok' : 'error', execution_count: count };
    }
    output.fail(failure);
    if (stopOnError) await this.#dropWaiting();
    const { name, message, lines } = failure;
    return { status: 'error', execution_count: count, ename: name, evalue: message, traceback: lines };
  }

  /**
   * What breaks in the kernel itself appears as an error of the cell: a cell without an answer would be busy for ever.
   * @param {string} code
   * @param {Running} running
   * @returns {Promise<boolean>} whether the cell ran to its end
   */
  async #compileAndRun(code, running) {
    try {
      this.#converter.prepare(code, running.count);
      await new Promise(setImmediate);
      return (
        !running.stopped &&
        (await this.#execute(code, running.listeners)) &&
        (await this.#printLastExpression(running))
      );
    } catch (error) {
      this.#noteFailure([error]);
      running.failure?.lines.push('The kernel could not run this cell. Run it again, or restart the kernel.');
      return false;
    }
  }

  /** @param {string} code @param {Set<Function>} listeners that were there before */
  async #execute(code, listeners) {
    const ended = this.#executor.execute(code);
    listenAgain(listeners);
    const ok = await ended;
    if (ok) this.#converter.succeeded();
    return ok;
  }

  /** @param {Running} running @returns {Promise<Reply>} */
  async #endStopped({ count, output, left, failure }) {
    // What it says itself when it ends by itself is enough.
    if (left) output.print('stdout', 'Stopped.\n');
    const dropped = await this.#dropWaiting();
    const cells = dropped === 1 ? '1 cell below was' : `${dropped} cells below were`;
    if (dropped > 0) output.print('stdout', `${cells} not run.\n`);
    if (failure) output.fail(failure);
    output.flush();
    return { status: 'aborted', execution_count: count };
  }

  /** @returns {Promise<number>} how many cells will not be run */
  async #dropWaiting() {
    await sleep(ON_THE_WAY_MS);
    this.#dropBefore = this.#arrived;
    return this.#waiting;
  }

  /**
   * Prints the value of the cell's last line. A promise is waited for, as if `await` stood before it: a training that is
   * not awaited would go on behind later cells, where ■ does not reach it.
   * @param {Running} running
   * @returns {Promise<boolean>} false where the promise failed or was left
   */
  async #printLastExpression(running) {
    const { lastExpression } = this.#converter;
    if (lastExpression === undefined) return true;
    let value = this.#exports[lastExpression];
    delete this.#exports[lastExpression];
    if (value instanceof Promise) {
      const left = new Promise((resolve) => (running.leave = () => resolve(undefined)));
      try {
        value = await Promise.race([value, left]);
      } catch (error) {
        this.#noteFailure([error]);
        return false;
      }
      if (running.left) return false;
    }
    if (value != null)
      running.output.print('stdout', `${typeof value === 'string' ? value : inspect(value)}\n`);
    return true;
  }

  /**
   * tslab hands over an error as it was thrown, or a format and its values for each place that the compiler rejects.
   * @param {unknown[]} what
   */
  #noteFailure([first, ...values]) {
    const running = this.#running;
    if (running === undefined) return;
    if (values.length > 0) {
      const [file, line, column, message] = values.map(String);
      const lines = [...(running.failure?.lines ?? []), `${file}${line}:${column} - ${message}`];
      running.failure = { name: 'Type error', message: lines.join('\n'), lines };
    } else if (isInterrupt(first)) {
      running.stopped = true;
      running.left = true;
    } else {
      running.failure = explainError(first, running.count);
    }
  }
}

/**
 * While a cell's part before its first `await` runs, Node.js listens to the interrupt itself, and then puts the listeners
 * back. Where the cell has added one meanwhile, the system's default stays: the next interrupt would end the kernel.
 * @param {Set<Function>} earlier come first: the kernel asks whether the cell listens before the cell has heard
 */
function listenAgain(earlier) {
  const listeners = process.rawListeners('SIGINT');
  const isEarlier = (/** @type {Function} */ listener) => earlier.has(listener);
  if (listeners.every(isEarlier)) return;
  process.removeAllListeners('SIGINT');
  for (const listener of [...listeners.filter(isEarlier), ...listeners.filter((other) => !isEarlier(other))])
    process.on('SIGINT', /** @type {() => void} */ (listener));
}

/** Whether tslab, or Node.js in code without `await`, was interrupted. @param {unknown} error */
function isInterrupt(error) {
  if (!(error instanceof Error)) return false;
  return (
    error.message === 'Interrupted asynchronously' ||
    /** @type {NodeJS.ErrnoException} */ (error).code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED'
  );
}
