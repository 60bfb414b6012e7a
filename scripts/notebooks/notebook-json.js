/**
 * JSON as Jupyter writes it, but with rows of numbers on one line each: a chart of a thousand points would otherwise
 * be a thousand lines of a diff.
 */

/**
 * @param {unknown} value
 * @returns {string}
 */
export function notebookJson(value) {
  return `${write(value, '')}\n`;
}

/**
 * @param {unknown} value
 * @param {string} indent
 * @returns {string}
 */
function write(value, indent) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const inner = `${indent} `;
  const isRow = Array.isArray(value) && value.every((item) => item === null || typeof item === 'number');
  if (isRow) return JSON.stringify(value);
  const parts = Array.isArray(value)
    ? value.map((item) => write(item, inner))
    : Object.keys(value)
        .filter((key) => /** @type {any} */ (value)[key] !== undefined)
        .toSorted()
        .map((key) => `${JSON.stringify(key)}: ${write(/** @type {any} */ (value)[key], inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return parts.length === 0
    ? open + close
    : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}
