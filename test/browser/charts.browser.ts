/** Charts as plotly draws them in a real browser: no text may lie on another. */
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Figure } from '../../lib/plots/figure.js';
import { heatmapFigure } from '../../lib/plots/charts/heatmap-figure.js';
import { lineFigure } from '../../lib/plots/charts/line-figure.js';
import { toPlotly } from '../../lib/plots/draw/plotly.js';
import { launchChromium } from './chromium.js';

const PLOTLY = createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js');
/** Titles, subtitles, notes, names in the legend, ticks and titles of colour bars. */
const TEXTS = '.gtitle, .annotation-text, .legendtext, .cbaxis text, .xtitle, .ytitle';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
}, 120_000);
afterAll(() => browser?.close());

/** Pairs of texts whose rectangles share more than a pixel. */
async function overlaps(figure: Figure): Promise<string[]> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  try {
    await page.setContent('<div id="chart"></div>');
    await page.addScriptTag({ path: PLOTLY });
    const { data, layout } = toPlotly(figure);
    await page.evaluate(
      `Plotly.newPlot('chart', ${JSON.stringify(data)}, ${JSON.stringify(layout)}).then(() => undefined)`,
    );
    const texts = await page.locator(TEXTS).evaluateAll((elements) =>
      elements.map((element) => ({
        text: element.textContent ?? '',
        box: element.getBoundingClientRect().toJSON() as Record<'left' | 'right' | 'top' | 'bottom', number>,
      })),
    );
    expect(texts.length).toBeGreaterThan(2);
    return texts.flatMap(({ text, box }, i) =>
      texts
        .slice(i + 1)
        .filter(
          (other) =>
            Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left) > 1 &&
            Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top) > 1,
        )
        .map((other) => `${text} / ${other.text}`),
    );
  } finally {
    await page.close();
  }
}

describe('texts of a chart do not lie on each other', { timeout: 120_000 }, () => {
  test.each([
    ['short names in one row', ['a', 'b', 'c']],
    [
      'a long name among short ones',
      ['weights in full precision, int8 activations', 'b1', 'absmedian', '4-bit', '8-bit'],
    ],
    ['names that need a row each', ['one', 'two', 'three'].map((name) => `${name} `.repeat(15))],
  ])('legend under a subtitle: %s', async (_, names) => {
    const figure = lineFigure({
      title: 'Loss against bits',
      subtitle: 'Zero is b1.58 itself, at 1.58 bits; activations in int8 throughout',
      notes: ['Means over the seeds.'],
      x: { title: 'Width', unit: 'bits' },
      y: { title: 'Loss', unit: 'nats' },
      series: names.map((name, i) => ({ name, x: [1, 2], y: [i, i + 1] })),
    });
    expect(await overlaps(figure)).toEqual([]);
  });

  test.each([1, 100, 10_000])('colour bar up to %d', async (largest) => {
    const figure = heatmapFigure({
      title: 'Zeros',
      values: [0, largest / 3, largest / 2, largest],
      rows: 2,
      columns: 2,
      x: { title: 'Layer', unit: '' },
      y: { title: 'Matrix', unit: '' },
      value: { title: 'Zeros', unit: '%' },
    });
    expect(await overlaps(figure)).toEqual([]);
  });
});
