/**
 * A notebook as a person uses it: JupyterLab by `npm start`, Run All, a look at the charts in both themes, a training
 * stopped by the interrupt key, and Ctrl-C in the terminal. The notebook is 0-bitlinear, or BITNET_BROWSER_NOTEBOOK;
 * its training cell carries the tag `training`. Pictures go to test/output/.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { cloneRoot } from '../../scripts/setup/project.js';
import { launchChromium } from './chromium.js';
import { startLab, type Lab } from './lab.js';

interface Cell {
  cell_type: string;
  execution_count?: number | null;
  metadata: { tags?: string[] };
  outputs?: { output_type: string; name?: string; data?: Record<string, unknown> }[];
}

const OUTPUT = join(cloneRoot, 'test', 'output');
const PLOTLY = 'application/vnd.plotly.v1+json';
const SOURCE = resolve(cloneRoot, process.env.BITNET_BROWSER_NOTEBOOK ?? 'notebooks/0-bitlinear.ipynb');
/** A cell of the smoke preset, on a machine that does other things too. */
const CELL_TIMEOUT_MS = 300_000;
/** From the interrupt to a kernel that is free again: the step under way ends first. */
const INTERRUPT_TIMEOUT_MS = 120_000;
const SAVING_TIMEOUT_MS = 60_000;
const DRAWING_TIMEOUT_MS = 120_000;
const LAST_FRAME_MS = 3_000;
const ENDING_TIMEOUT_MS = 30_000;

let lab: Lab;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(OUTPUT, { recursive: true });
  browser = await launchChromium();
  lab = await startLab([SOURCE], join(OUTPUT, 'browser'));
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(CELL_TIMEOUT_MS);
  await page.goto(lab.urlOf(basename(SOURCE)));
  await waitForIdle();
});

afterAll(async () => {
  await browser?.close();
  if (lab && lab.processes().length > 1) await lab.interrupt();
});

// What the page looked like when a check failed.
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await page.screenshot({ path: join(OUTPUT, 'browser-failure.png') });
});

/** The status bar is the only place that says neither too early nor too late that the kernel is there and free. */
async function waitForIdle(timeout = CELL_TIMEOUT_MS): Promise<void> {
  await page
    .locator('#jp-bottom-panel, #jp-main-statusbar')
    .getByText('TypeScript | Idle')
    .first()
    .waitFor({ timeout });
}

/** Chooses an entry of the menu bar by the names on the way to it. */
async function menu(name: string, ...items: string[]): Promise<void> {
  await page.locator('.lm-MenuBar-itemLabel').getByText(name, { exact: true }).click();
  for (const item of items) await page.locator('.lm-Menu-itemLabel').getByText(item, { exact: true }).click();
}

/** Saves the notebook and reads what was saved. */
async function savedCells(): Promise<Cell[]> {
  await menu('File', 'Save Notebook');
  await page.locator('.jp-mod-dirty').first().waitFor({ state: 'detached' });
  // The page may say so while the server is still writing.
  return vi.waitFor(
    () =>
      (JSON.parse(readFileSync(join(lab.notebooks, basename(SOURCE)), 'utf8')) as { cells: Cell[] }).cells,
    SAVING_TIMEOUT_MS,
  );
}

const isCode = (cell: Cell): boolean => cell.cell_type === 'code';
const plotlyOutputs = (cells: Cell[]): number =>
  cells.flatMap(({ outputs }) => outputs ?? []).filter(({ data }) => data?.[PLOTLY] !== undefined).length;

function trainingCell(): Locator {
  const { cells } = JSON.parse(readFileSync(SOURCE, 'utf8')) as { cells: Cell[] };
  const index = cells.findIndex(({ metadata }) => metadata.tags?.includes('training'));
  if (index < 0) throw new Error(`${SOURCE} must have a cell with the tag "training".`);
  return page.locator('.jp-Notebook .jp-Cell').nth(index);
}

/** Runs a line of code in a new cell below the training cell. */
async function runBelowTraining(code: string): Promise<void> {
  const cells = page.locator('.jp-Notebook .jp-Cell');
  const before = await cells.count();
  await trainingCell().locator('.jp-InputPrompt').click();
  await page.keyboard.press('b');
  await expect.poll(() => cells.count()).toBe(before + 1);
  await page.keyboard.press('Enter');
  await page.keyboard.insertText(code);
  await page.keyboard.press('Control+Enter');
  const prompt = page.locator('.jp-Notebook .jp-Cell.jp-mod-active .jp-InputPrompt');
  await prompt.getByText(/\[\d+\]/).waitFor();
}

/** Starts the training cell anew and waits until it has drawn a frame of its curve. */
async function startTraining(): Promise<Locator> {
  const cell = trainingCell();
  await cell.scrollIntoViewIfNeeded();
  await cell.locator('.jp-InputPrompt').click();
  await page.keyboard.press('Control+Enter');
  await cell.locator('.jp-InputPrompt').getByText('[*]').waitFor();
  const picture = cell.locator('.js-plotly-plot .main-svg');
  await picture.first().waitFor({ timeout: CELL_TIMEOUT_MS });
  return cell;
}

describe('JupyterLab', () => {
  test('opens without its news popup', async () => {
    expect(await page.getByText('Would you like to get notified about official Jupyter news').count()).toBe(
      0,
    );
  });

  test('runs every cell by Run All, and none fails', async () => {
    await menu('Run', 'Run All Cells');
    await sleep(1_000);
    await page.waitForFunction(
      `![...document.querySelectorAll('.jp-InputPrompt')].some((prompt) => prompt.textContent.includes('*'))`,
      undefined,
      { timeout: CELL_TIMEOUT_MS },
    );
    const code = (await savedCells()).filter(isCode);
    expect(code.map(({ execution_count: count }) => count)).toEqual(code.map((_, index) => index + 1));
    expect(code.flatMap(({ outputs }) => outputs ?? []).filter(({ name }) => name === 'stderr')).toEqual([]);
  });

  test('draws every chart with plotly, in the light and in the dark theme', async () => {
    const charts = plotlyOutputs(await savedCells());
    expect(charts).toBeGreaterThan(0);
    for (const theme of ['Light', 'Dark']) {
      await menu('Settings', 'Theme', `JupyterLab ${theme}`);
      await page.locator(`body[data-jp-theme-light="${theme === 'Light'}"]`).waitFor({ state: 'attached' });
      const drawn = page.locator('.js-plotly-plot').filter({ has: page.locator('.main-svg') });
      await expect.poll(() => drawn.count(), { timeout: DRAWING_TIMEOUT_MS }).toBe(charts);
      for (let chart = 0; chart < charts; chart++) {
        await drawn.nth(chart).scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(OUTPUT, `notebook-${theme.toLowerCase()}-${chart + 1}.png`) });
      }
    }
  });

  test('stops a running training on interrupt and keeps its curve', async () => {
    // The smoke preset's 30 steps may be over before a key is pressed.
    await runBelowTraining('options.steps = 100_000;');
    const cell = await startTraining();
    await page.keyboard.press('i');
    await page.keyboard.press('i');
    await cell.getByText('Interrupted asynchronously').waitFor({ timeout: INTERRUPT_TIMEOUT_MS });
    await waitForIdle(INTERRUPT_TIMEOUT_MS);
    // The step under way may still draw; then nothing moves any more, and the curve is still there.
    await sleep(LAST_FRAME_MS);
    const curves = cell.locator('.js-plotly-plot').filter({ visible: true });
    await expect.poll(() => curves.count(), { timeout: DRAWING_TIMEOUT_MS }).toBeGreaterThan(0);
    const kept = await cell.locator('.jp-Cell-outputArea').innerHTML();
    await page.screenshot({ path: join(OUTPUT, 'notebook-interrupted.png') });
    await sleep(LAST_FRAME_MS);
    expect(await cell.locator('.jp-Cell-outputArea').innerHTML()).toBe(kept);
  });

  test('leaves no server and no kernel behind on Ctrl-C, even in the middle of a training', async () => {
    await startTraining();
    const processes = lab.processes();
    // npm, start.js, the server and a kernel at least.
    expect(processes.length).toBeGreaterThanOrEqual(4);
    await lab.interrupt();
    expect(lab.output()).toContain('Ending JupyterLab and its kernels');
    await expect.poll(() => processes.filter(isAlive), { timeout: ENDING_TIMEOUT_MS }).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
