/**
 * What JupyterLab's extension of this project does for tables and charts, put into a page.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAB = join(dirname(dirname(fileURLToPath(import.meta.url))), 'lab');

/** @param {string} html a page with an end of its head */
export function putLabParts(html) {
  const read = (/** @type {string} */ name) => readFileSync(join(LAB, name), 'utf8');
  const parts = [
    `<style>\n${read('style.css')}</style>`,
    `<script type="module">\n${read('sort-tables.js')}sortTablesOnClick(document);\n</script>`,
  ];
  return html.replace('</head>', () => `${parts.join('\n')}\n</head>`);
}
