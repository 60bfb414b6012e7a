/** Sorts a table by the column whose head is clicked, in JupyterLab and in exported pages. */

/**
 * Listens on a page for clicks on the heads of tables that may be sorted.
 * @param {Document} page
 */
export function sortTablesOnClick(page) {
  page.addEventListener('click', ({ target }) => {
    const head = target instanceof Element ? target.closest('table.sortable thead th') : null;
    if (head !== null) sortBy(/** @type {HTMLTableCellElement} */ (head));
  });
}

/**
 * Upwards by the first click, downwards by the second. Empty cells stay last.
 * @param {HTMLTableCellElement} head
 */
function sortBy(head) {
  const table = /** @type {HTMLTableElement} */ (head.closest('table'));
  const down = head.getAttribute('aria-sort') === 'ascending';
  for (const other of table.querySelectorAll('th')) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const numeric = head.align === 'right';
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => ({ row, key: keyOf(row.cells[head.cellIndex], numeric) }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined)
      return Number(a.key === undefined) - Number(b.key === undefined);
    const order =
      typeof a.key === 'number'
        ? a.key - Number(b.key)
        : a.key.localeCompare(String(b.key), 'en', { numeric: true });
    return down ? -order : order;
  });
  body.append(...keyed.map(({ row }) => row));
}

/**
 * What a cell is sorted by: its text, or the number that its text begins with.
 * @param {HTMLTableCellElement} cell
 * @param {boolean} numeric
 */
function keyOf(cell, numeric) {
  const text = (cell.textContent ?? '').trim();
  if (text === '') return undefined;
  if (!numeric) return text;
  const [first] = text
    .replaceAll('−', '-')
    .replaceAll(',', '')
    .split(/[\s\u00a0\u2007[]/);
  if (/^-?∞/.test(first)) return first.startsWith('-') ? -Infinity : Infinity;
  const number = Number.parseFloat(first);
  return Number.isNaN(number) ? undefined : number;
}
