/** Sliders in a real browser: each move redraws the picture, and two sliders do not undo each other. */
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slidersToPlotly } from '../../lib/plots/draw/plotly-sliders.js';
import { roundingSlider } from '../../lib/quantizers/pictures.js';
import { normalStream, normalValues } from '../normal-values.js';
import { launchChromium } from './chromium.js';

const PLOTLY = createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
}, 120_000);
afterAll(() => browser?.close());

test('the line above the picture follows both sliders', { timeout: 120_000 }, async () => {
  const shown = roundingSlider(normalValues(400, normalStream(1)));
  const page = await browser.newPage({ viewport: { width: 900, height: 900 } });
  await page.setContent('<div id="chart"></div>');
  await page.addScriptTag({ path: PLOTLY });
  const { data, layout } = slidersToPlotly(shown);
  await page.evaluate(
    `Plotly.newPlot('chart', ${JSON.stringify(data)}, ${JSON.stringify(layout)}).then(() => undefined)`,
  );
  const seen = (): Promise<string[]> =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll('.textpoint')].filter((text) => getComputedStyle(text.closest('.trace')).opacity !== '0').map((text) => text.textContent)`,
    );
  /** What the sliders stand at, as plotly has it. */
  const settings = async (): Promise<number[]> =>
    (
      await page.evaluate<number[]>(
        `document.getElementById('chart')._fullLayout.sliders.map(({ active }) => active)`,
      )
    ).map((step, slider) => shown.sliders[slider].values[step]);
  const move = async (slider: number, share: number): Promise<void> => {
    const before = await settings();
    const rail = (await page.locator('.slider-rail-touch-rect').nth(slider).boundingBox())!;
    await page.mouse.click(rail.x + rail.width * share, rail.y + rail.height / 2);
    await expect.poll(settings, { timeout: 20_000 }).not.toEqual(before);
  };
  const agrees = async (): Promise<void> => {
    const wanted = [shown.at(...(await settings())).subtitle];
    await expect.poll(seen, { timeout: 20_000 }).toEqual(wanted);
  };
  expect(await settings()).toEqual(shown.sliders.map(({ start }) => start));
  await agrees();
  for (const [slider, share] of [
    [0, 0.3],
    [1, 0.5],
    [0, 0.01],
    [1, 0.99],
  ] as const) {
    await move(slider, share);
    await agrees();
  }
});
