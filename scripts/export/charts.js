/**
 * The plotly charts of a notebook as live charts of a page that needs no network.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const PLOTLY_MIME = 'application/vnd.plotly.v1+json';

/**
 * @typedef {{ data?: unknown, layout?: unknown, config?: unknown }} Chart what plotly draws
 * @typedef {Record<string, unknown>} Bundle representations of an output by mime type
 * @typedef {{ data?: Bundle }} Output
 */

/**
 * Takes the charts out of a notebook's outputs. Each leaves its picture, which stays where scripts do not run.
 * @param {{ outputs?: Output[] }[]} cells are changed
 * @returns {Chart[]}
 */
export function takeCharts(cells) {
  /** @type {Chart[]} */
  const charts = [];
  for (const output of cells.flatMap((cell) => cell.outputs ?? [])) {
    const chart = output.data?.[PLOTLY_MIME];
    if (output.data === undefined || chart === null || typeof chart !== 'object') continue;
    output.data = {
      'text/html': `<div class="bitnet-chart"><div id="chart-${charts.length}">${pictureOf(output.data)}</div></div>`,
    };
    charts.push(chart);
  }
  return charts;
}

/** @param {Bundle} bundle */
function pictureOf(bundle) {
  const svg = textOf(bundle['image/svg+xml']);
  if (svg !== '') return svg;
  const png = textOf(bundle['image/png']).replaceAll(/\s/g, '');
  return png === '' ? '' : `<img alt="" src="data:image/png;base64,${png}">`;
}

/** Notebooks keep text as one string or as lines. @param {unknown} value */
function textOf(value) {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

/**
 * Puts plotly.js and the charts at the page's end; a page without charts stays as it is.
 * @param {string} html
 * @param {readonly Chart[]} charts
 */
export function putCharts(html, charts) {
  if (charts.length === 0) return html;
  const plotly = readFileSync(createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js'), 'utf8');
  const scripts = [
    `<script type="application/json" id="charts">${inScript(JSON.stringify(charts))}</script>`,
    `<script>${inScript(plotly)}</script>`,
    `<script>
for (const [i, { data, layout, config }] of JSON.parse(document.getElementById('charts').textContent).entries()) {
  const place = document.getElementById('chart-' + i);
  if (!place) continue;
  place.replaceChildren();
  Plotly.newPlot(place, data, layout, { displaylogo: false, responsive: true, ...config });
}
</script>`,
  ].join('\n');
  const end = html.lastIndexOf('</body>');
  return end < 0 ? html + scripts : `${html.slice(0, end)}${scripts}\n${html.slice(end)}`;
}

/** Text that cannot end its script element. A less-than sign is only escaped where JavaScript and JSON have it in strings. @param {string} text */
function inScript(text) {
  return text.replaceAll(/<(?=\/script|!--)/gi, '\\u003c');
}
