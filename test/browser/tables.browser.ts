/** Tables in a real browser: columns are sorted by a click, and no number breaks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHtml } from '../../lib/plots/draw/written-table.js';
import { table } from '../../lib/plots/table.js';
import { cloneRoot } from '../../scripts/setup/project.js';
import { launchChromium } from './chromium.js';

const SCRIPT = readFileSync(join(cloneRoot, 'scripts', 'lab', 'sort-tables.js'), 'utf8');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
}, 120_000);
afterAll(() => browser?.close());

async function pageWith(html: string, width = 1000): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 600 } });
  await page.setContent(html);
  await page.addScriptTag({ type: 'module', content: `${SCRIPT}\nsortTablesOnClick(document);` });
  return page;
}

const rows = [
  { arm: 'b1', loss: { value: 2.1, low: 2, high: 2.2 }, gap: -0.25 },
  { arm: 'b1.58', loss: { value: 12, low: 11, high: 13 }, gap: undefined },
  { arm: 'a10', loss: { value: 3, low: -1, high: 9 }, gap: 1200 },
  { arm: 'a9', loss: { value: 1, low: 1, high: 1 }, gap: 0.5 },
];

describe('a table', { timeout: 120_000 }, () => {
  test('is sorted upwards by the first click on a head, downwards by the second, empty cells last', async () => {
    const page = await pageWith(toHtml(table(rows)));
    const order = (): Promise<string[]> => page.locator('tbody tr td:first-child').allTextContents();
    const click = (head: string): Promise<void> => page.locator('th', { hasText: head }).click();
    await click('loss');
    expect(await order()).toEqual(['a9', 'b1', 'a10', 'b1.58']);
    await click('loss');
    expect(await order()).toEqual(['b1.58', 'a10', 'b1', 'a9']);
    await click('gap');
    expect(await order()).toEqual(['b1', 'a9', 'a10', 'b1.58']);
    await click('gap');
    expect(await order()).toEqual(['a10', 'a9', 'b1', 'b1.58']);
    await click('arm');
    expect(await order()).toEqual(['a9', 'a10', 'b1', 'b1.58']);
    await page.close();
  });

  test('breaks words, never numbers, and scrolls where it is too wide', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`column ${i}`, 12_345.678 + i]));
    const page = await pageWith(
      toHtml(table([{ text: 'a gap of −0.025 [−0.063, 0.013] nats '.repeat(20), ...many }])),
      600,
    );
    const lines = await page.evaluate<number[]>(
      `[...document.querySelectorAll('tbody td[align=right]')].map((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return new Set([...range.getClientRects()].map(({ top }) => top)).size;
      })`,
    );
    expect(new Set(lines)).toEqual(new Set([1]));
    const kept = await page.evaluate<number[]>(
      `[...document.querySelectorAll('tbody span')].map((number) => number.getClientRects().length)`,
    );
    expect(kept).toEqual(Array(20).fill(1));
    const scroller = page.locator('div').first();
    expect(await scroller.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(true);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.close();
  });
});
