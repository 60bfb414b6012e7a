/** An exported page in a real browser: its charts are live and whole, on a wide screen and on a narrow one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloneRoot } from '../../scripts/setup/project.js';
import { exportNotebook } from '../export-notebook.js';
import { launchChromium } from './chromium.js';

/** Has charts of the greatest width that the notebooks use. */
const NOTEBOOK = 'notebooks/1-quantization-ablation.ipynb';
const OUTPUT = join(cloneRoot, 'test', 'output');
const PAGE = join(OUTPUT, 'exported.html');

let browser: Browser;
beforeAll(async () => {
  mkdirSync(OUTPUT, { recursive: true });
  const { code, said } = exportNotebook(NOTEBOOK, PAGE);
  if (code !== 0) throw new Error(said);
  browser = await launchChromium();
}, 300_000);
afterAll(() => browser?.close());

describe('an exported page', { timeout: 120_000 }, () => {
  test.each([
    { screen: 1280, scrolled: false },
    { screen: 400, scrolled: true },
  ])('shows every chart up to its right edge, $screen pixels wide', async ({ screen, scrolled }) => {
    const page = await browser.newPage({ viewport: { width: screen, height: 900 } });
    await page.goto(pathToFileURL(PAGE).href);
    const charts = page.locator('.bitnet-chart:has(.js-plotly-plot)');
    await expect.poll(() => charts.count(), { timeout: 60_000 }).toBeGreaterThan(0);
    await expect
      .poll(() => page.locator('.bitnet-chart:not(:has(.js-plotly-plot))').count(), { timeout: 60_000 })
      .toBe(0);
    const hidden = await charts.evaluateAll((elements) =>
      elements.map((element) => {
        element.scrollLeft = element.scrollWidth;
        return element.scrollWidth - element.clientWidth - element.scrollLeft;
      }),
    );
    expect(hidden.map(Math.round).filter((pixels) => pixels > 1)).toEqual([]);
    // Scripts may scroll what is hidden; readers may not.
    const overflow = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.bitnet-chart')].map((chart) => getComputedStyle(chart).overflowX)`,
    );
    expect(new Set(overflow)).toEqual(new Set(['auto']));
    const scrolling = await charts.evaluateAll((elements) =>
      elements.some(({ scrollLeft }) => scrollLeft > 0),
    );
    expect(scrolling).toBe(scrolled);
    await page.screenshot({ path: join(OUTPUT, `exported-${screen}.png`) });
    await page.close();
  });
});
