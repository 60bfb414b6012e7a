/**
 * Sends one cell at a time to the kernel. JupyterLab sends all cells of Run All at once, and clears their outputs then:
 * after ■ in the first, or an error, those of all others would be lost, though none was run.
 */

/**
 * @typedef {object} CodeCellModel
 * @property {string} type
 * @property {string} executionState `running` shows [*]
 * @property {(name: string) => unknown} getMetadata
 *
 * @typedef {object} Run what JupyterLab hands over with a cell to be run
 * @property {{ model: CodeCellModel, isDisposed: boolean }} cell
 * @property {object} [sessionContext] the notebook's kernel
 *
 * @typedef {object} Queue of the cells of one kernel
 * @property {Promise<unknown>} end of the last cell
 * @property {number} dropped how often what waited was dropped
 */

/** @type {WeakMap<object, Queue>} */
const queues = new WeakMap();

/**
 * @param {(run: Run) => Promise<boolean>} runCell JupyterLab's own, which ends with the cell
 * @returns {(run: Run) => Promise<boolean>}
 */
export function oneAtATime(runCell) {
  return async (run) => {
    const { cell, sessionContext } = run;
    if (cell.model.type !== 'code' || sessionContext === undefined) return runCell(run);
    const queue = queues.get(sessionContext) ?? { end: Promise.resolve(), dropped: 0 };
    queues.set(sessionContext, queue);
    const { dropped } = queue;
    cell.model.executionState = 'running';
    const ended = queue.end.then(() => {
      if (queue.dropped === dropped && !cell.isDisposed) return runInTurn(run, queue, runCell);
      if (!cell.isDisposed) cell.model.executionState = 'idle';
      return false;
    });
    queue.end = ended.catch(() => {});
    return ended;
  };
}

/**
 * @param {Run} run
 * @param {Queue} queue
 * @param {(run: Run) => Promise<boolean>} runCell
 */
async function runInTurn(run, queue, runCell) {
  const tags = run.cell.model.getMetadata('tags');
  const mayFail = Array.isArray(tags) && tags.includes('raises-exception');
  let succeeded = false;
  try {
    succeeded = await runCell(run);
    return succeeded;
  } finally {
    if (!succeeded && !mayFail) queue.dropped++;
  }
}
