/**
 * How long a notebook's reader waits: for the kernel, for the first cell, which imports, and for each cell that only
 * computes and draws.
 */

/**
 * @typedef {object} CellTime
 * @property {number} cell its place in the notebook, from 1
 * @property {number} seconds
 *
 * @typedef {object} Times
 * @property {number} kernel seconds until the kernel answers
 * @property {CellTime[]} cells code cells, in order
 */

/**
 * @param {string} notebook an .ipynb file
 * @param {Times} times
 * @returns {string} one line
 */
export function describeTimes(notebook, { kernel, cells: [first, ...later] }) {
  /** @type {{ cells: { source: string | string[] }[] }} */
  const { cells } = JSON.parse(notebook);
  const source = (/** @type {CellTime} */ { cell }) => [cells[cell - 1].source].flat().join('');
  const parts = [`kernel ${inSeconds(kernel)}`];
  if (first !== undefined) {
    const loads = source(first).includes('loadTraining(') ? 'imports, TensorFlow' : 'imports';
    parts.push(`first cell (${loads}) ${inSeconds(first.seconds)}`);
  }
  // What awaits trains, loads or asks a model: its time is that of its work.
  const computing = later
    .filter((time) => !/\bawait\b/.test(source(time)))
    .toSorted((a, b) => a.seconds - b.seconds);
  const largest = computing.at(-1);
  if (largest !== undefined) {
    const median = inSeconds(medianOf(computing.map(({ seconds }) => seconds)));
    parts.push(
      `${computing.length} later cells without await: median ${median}, largest ${inSeconds(largest.seconds)} (cell ${largest.cell})`,
    );
  }
  return parts.join('; ');
}

/** @param {number[]} sorted */
function medianOf(sorted) {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param {number} seconds */
function inSeconds(seconds) {
  return `${seconds.toFixed(2)} s`;
}
