import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { vi } from 'vitest';
import type { Lab } from './lab.js';

export interface Cell {
  cell_type: string;
  execution_count?: number | null;
  metadata: { tags?: string[] };
  source: string | string[];
  outputs?: { output_type: string; name?: string; text?: string[]; data?: Record<string, unknown> }[];
}

/** A cell of the smoke preset, on a machine that does other things too. */
const CELL_TIMEOUT_MS = 300_000;
const SAVING_TIMEOUT_MS = 60_000;

/** JupyterLab's page as a reader uses it, with one notebook at the front. */
export class NotebookPage {
  private constructor(
    readonly page: Page,
    readonly lab: Lab,
    readonly file: string,
  ) {}

  /** Opens a notebook by its address and waits until its kernel is free. */
  static async open(browser: Browser, lab: Lab, file: string, width = 1280): Promise<NotebookPage> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.setDefaultTimeout(CELL_TIMEOUT_MS);
    await page.goto(lab.urlOf(file));
    const notebook = new NotebookPage(page, lab, file);
    await notebook.idle();
    return notebook;
  }

  get cells(): Locator {
    return this.page.locator('.jp-Notebook .jp-Cell');
  }

  /** The status bar is the only place that says neither too early nor too late that the kernel is there and free. */
  async idle(timeout = CELL_TIMEOUT_MS): Promise<void> {
    await this.#status('Idle').waitFor({ timeout });
  }

  async busy(): Promise<void> {
    await this.#status('Busy').waitFor();
  }

  #status(state: 'Idle' | 'Busy'): Locator {
    return this.page
      .locator('#jp-bottom-panel, #jp-main-statusbar')
      .getByText(`TypeScript | ${state}`)
      .first();
  }

  /** Chooses an entry of the menu bar by the names on the way to it. */
  async menu(name: string, ...items: string[]): Promise<void> {
    await this.page.locator('.lm-MenuBar-itemLabel').getByText(name, { exact: true }).click();
    for (const item of items)
      await this.page.locator('.lm-Menu-itemLabel').getByText(item, { exact: true }).click();
  }

  /** Runs all cells and waits until none is waiting any more. */
  async runAll(): Promise<void> {
    await this.menu('Run', 'Run All Cells');
    await this.page.locator('.jp-InputPrompt').getByText('[*]').first().waitFor();
    await this.finished();
  }

  /** Waits until no cell waits for its turn or runs. */
  async finished(timeout = CELL_TIMEOUT_MS): Promise<void> {
    await this.page.waitForFunction(
      `![...document.querySelectorAll('.jp-InputPrompt')].some((prompt) => prompt.textContent.includes('*'))`,
      undefined,
      { timeout },
    );
  }

  /** Puts a cell behind the one at `index`, the last by default, and types code into it. */
  async add(code: string, index?: number): Promise<Locator> {
    const before = await this.cells.count();
    const at = index ?? before - 1;
    await this.cells.nth(at).locator('.jp-InputPrompt').click();
    await this.page.keyboard.press('b');
    await this.cells.nth(before).waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.keyboard.insertText(code);
    return this.cells.nth(at + 1);
  }

  /** Types a cell below the last, starts it, and does not wait for its end. */
  async start(code: string): Promise<Locator> {
    const cell = await this.add(code);
    await this.page.keyboard.press('Control+Enter');
    return cell;
  }

  /** Runs a cell below the last to its end, and returns it. */
  async run(code: string): Promise<Locator> {
    const cell = await this.start(code);
    await cell
      .locator('.jp-InputPrompt')
      .getByText(/\[\d+\]/)
      .waitFor();
    return cell;
  }

  /** Restarts the kernel from the menu: variables are gone, outputs stay. */
  async restartKernel(): Promise<void> {
    await this.menu('Kernel', 'Restart Kernel…');
    await this.page.locator('.jp-Dialog').getByText('Restart', { exact: true }).click();
    await this.page.locator('.jp-Dialog').waitFor({ state: 'detached' });
    await this.idle();
  }

  /** ■ in the toolbar. */
  async stop(): Promise<void> {
    await this.page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="interrupt"]').click();
  }

  /** Saves the notebook and returns what was saved. */
  async save(): Promise<string> {
    const file = join(this.lab.notebooks, this.file);
    const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const saved = this.page.waitForResponse(
      (response) => response.request().method() === 'PUT' && response.url().includes('/api/contents/'),
    );
    await this.menu('File', 'Save Notebook');
    if (!(await saved).ok()) throw new Error(`${this.file} was not saved.`);
    // The page may say so while the server is still writing.
    return vi.waitFor(() => {
      const text = readFileSync(file, 'utf8');
      JSON.parse(text);
      return text === '' ? before : text;
    }, SAVING_TIMEOUT_MS);
  }

  async savedCells(): Promise<Cell[]> {
    return (JSON.parse(await this.save()) as { cells: Cell[] }).cells;
  }
}

/** All that a cell shows below it, as text. */
export async function outputOf(cell: Locator): Promise<string> {
  return (await cell.locator('.jp-OutputArea-output').allInnerTexts()).join('\n').trim();
}

/**
 * What a reader could not read as it was meant, on the page as wide as it is: numbers that break over two lines, charts
 * and outputs that reach beyond their place.
 */
export async function unreadable(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const found = [];
    const broken = (text) => {
      for (const { 0: number, index } of text.data.matchAll(/−?\\d[\\d.,]*/g)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + number.length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (lines.size > 1) found.push('broken: ' + number + ' in ' + text.data.trim().slice(0, 80));
      }
    };
    for (const shown of document.querySelectorAll('.jp-RenderedText pre, td')) {
      const texts = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) broken(texts.currentNode);
    }
    for (const shown of document.querySelectorAll('.bitnet-chart, .jp-OutputArea-output, .jp-InputArea-editor .cm-scroller')) {
      const cut = shown.scrollWidth - shown.clientWidth;
      if (shown.clientWidth > 0 && cut > 1) found.push('cut by ' + cut + ': ' + shown.className);
    }
    return found;
  })()`);
}

/** Lines of code that the page breaks because it is too narrow for them. */
export async function wrappedLines(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .cm-line')]
    .filter((line) => line.getBoundingClientRect().height > 1.5 * parseFloat(getComputedStyle(line).lineHeight))
    .map((line) => line.textContent)`);
}

/** Whether a cell shows anything on red ground. */
export async function isRed(cell: Locator): Promise<boolean> {
  return (
    (await cell
      .locator(
        '[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]',
      )
      .count()) > 0
  );
}
