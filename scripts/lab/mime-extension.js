/**
 * JupyterLab's extension of this project: it draws plotly's charts with the project's own plotly.js, sorts tables by a
 * click on a column's head, and shows of a light and a dark diagram the one that fits the theme.
 */
import { chartRenderer, loadPlotly } from './chart.js';
import { sortTablesOnClick } from './sort-tables.js';

/**
 * @typedef {Record<string, Record<string, { get: () => Promise<() => any> }>>} SharedModules JupyterLab's modules, by
 *   name and version
 */

/**
 * The extension, as JupyterLab takes it.
 * @param {SharedModules} shared
 */
export default async function makeMimeExtension(shared) {
  const [{ get }] = Object.values(shared['@lumino/widgets']);
  const { Widget } = (await get())();
  addStyles();
  sortTablesOnClick(document);
  // Before the first chart waits for it: a notebook takes a while to open and to run.
  requestIdleCallback(() => void loadPlotly().catch(() => {}));
  return {
    id: 'bitnet-notebooks:charts',
    // Before JupyterLab's own renderers of HTML and pictures, which a chart's output holds, too.
    rank: 0,
    dataType: 'json',
    rendererFactory: chartRenderer(Widget),
  };
}

function addStyles() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL('style.css', import.meta.url).href;
  document.head.append(link);
}
