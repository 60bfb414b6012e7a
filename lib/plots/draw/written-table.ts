/** A table as HTML, for notebooks and pages, and as text, for terminals and for diffs. */
import type { Table, TableColumn } from '../table.js';
import { escapeXml } from './text.js';

/** What JupyterLab's extension and exported pages know a table by whose columns are sorted by a click on their head. */
const SORTABLE = 'sortable';

/** Characters of plain text in a cell; what is longer goes on in the HTML alone. */
const MAX_TEXT = 100;

/** What in a text must not break over two lines: numbers with their interval or percent sign, powers of ten, shapes. */
const RE_NUMBER = /[−-]?\d[\d.,]*(?:e[−-]?\d+)?(?: × \d+)*(?: \[[^\]]*\])?(?: %)?/g;

/**
 * The table as HTML without script and without ids, so that a notebook shows it whether it is trusted or not. Numbers
 * never break; a table too wide for its page scrolls.
 */
export function toHtml({ title, columns, rowCount, notes }: Table): string {
  const head = columns.map((column) => cell('th', column, escapeXml(column.title)));
  const rows = Array.from({ length: rowCount }, (_, i) =>
    columns
      .map((column) => {
        const html = escapeXml(column.texts[i]).replaceAll('\n', '<br>');
        return cell('td', column, column.numeric ? html : withWholeNumbers(html));
      })
      .join(''),
  );
  const empty = rowCount === 0 ? '<p>No rows.</p>' : '';
  return [
    '<div style="overflow-x:auto">',
    title === undefined ? '' : `<p><strong>${escapeXml(title)}</strong></p>`,
    `<table class="${SORTABLE}" style="margin-left:0">`,
    `<thead><tr>${head.join('')}</tr></thead>`,
    '<tbody>',
    ...rows.map((row) => `<tr>${row}</tr>`),
    '</tbody>',
    '</table>',
    empty,
    ...notes.map((note) => `<p><small>${escapeXml(note)}</small></p>`),
    '</div>',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function cell(tag: 'th' | 'td', { numeric }: TableColumn, html: string): string {
  // Numbers stand right, text left; a head may break between words.
  const side = numeric ? 'right' : 'left';
  const body = tag === 'th' ? '' : `;vertical-align:top${numeric ? ';white-space:nowrap' : ''}`;
  return `<${tag} align="${side}" style="text-align:${side}${body}">${html}</${tag}>`;
}

/** Numbers in a text that may break, held together where they hold a place to break. */
function withWholeNumbers(html: string): string {
  return html.replaceAll(RE_NUMBER, (number) =>
    /[ −-]./.test(number.slice(1)) ? `<span style="white-space:nowrap">${number}</span>` : number,
  );
}

/** The table in columns of plain text. */
export function toText({ title, columns, rowCount, notes }: Table): string {
  const lines: string[] = title === undefined ? [] : [title];
  const plain = columns.map((column) => [column.title, ...column.texts].map(shortened));
  const widths = plain.map((texts) => Math.max(...texts.map((text) => text.length)));
  for (let row = 0; row <= rowCount; row += 1) {
    const texts = plain.map((column, i) =>
      columns[i].numeric ? column[row].padStart(widths[i]) : column[row].padEnd(widths[i]),
    );
    lines.push(texts.join('  ').trimEnd());
  }
  if (rowCount === 0) lines.push('No rows.');
  return [...lines, ...notes].join('\n');
}

function shortened(text: string): string {
  const line = text.replaceAll(/[\u00a0\u2005\u2007\u2008]/g, ' ').replaceAll('\n', ' / ');
  return line.length <= MAX_TEXT ? line : `${line.slice(0, MAX_TEXT - 1)}…`;
}
