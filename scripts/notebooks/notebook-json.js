/** JSON as Jupyter writes it, to the byte: a notebook that is opened and saved is the same file. */

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
  if (typeof value === 'number') return writeNumber(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const inner = `${indent} `;
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

/** As Python does: 0.0001, but 1e-05, with two digits in the exponent. @param {number} value */
function writeNumber(value) {
  if (value === 0 || Math.abs(value) >= 1e-4) return JSON.stringify(value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}
