/**
 * JupyterLab as a reader has it by `npm start`: the start page, notebooks that opening does not change, cells as readers
 * write them, the stop button, a notebook from its first cell to its last, and Ctrl-C in the terminal. One server and one
 * browser for all; each check goes on from where the one before left the page. Pictures go to test/output/.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { normaliseNotebook } from '../../scripts/notebooks/normalise.js';
import { cloneRoot } from '../../scripts/setup/project.js';
import { launchChromium } from './chromium.js';
import { startLab, type Lab } from './lab.js';
import { isRed, NotebookPage, outputOf, unreadable, wrappedLines } from './notebook-page.js';
import { STORIES, STORY_SETUP } from './stories.js';

const OUTPUT = join(cloneRoot, 'test', 'output');
const SOURCES = join(cloneRoot, 'notebooks');
const NOTEBOOKS = readdirSync(SOURCES).filter((name) => name.endsWith('.ipynb'));
const DRAWING_TIMEOUT_MS = 120_000;
const ENDING_TIMEOUT_MS = 30_000;
/** JupyterLab writes a notebook by itself only after two minutes; what it changes at opening it does at once. */
const SETTLING_MS = 2_000;
const READING_TIMEOUT_MS = 20_000;

/** Diagrams of notebook 0, each in a light and a dark form. */
const DIAGRAMS = readdirSync(join(SOURCES, 'images')).filter((name) => name.endsWith('-light.svg')).length;

const DIAGRAM_WIDTH = 780;

let lab: Lab;
let browser: Browser;
/** The notebook at the front. */
let notebook: NotebookPage;

beforeAll(async () => {
  mkdirSync(OUTPUT, { recursive: true });
  browser = await launchChromium();
  lab = await startLab(
    NOTEBOOKS.map((name) => join(SOURCES, name)),
    join(OUTPUT, 'browser'),
  );
});

afterAll(async () => {
  await browser?.close();
  if (lab && lab.processes().length > 1) await lab.interrupt();
});

// What the page looked like when a check failed.
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    await browser
      .contexts()
      .at(-1)
      ?.pages()[0]
      ?.screenshot({ path: join(OUTPUT, 'browser-failure.png') });
});

/** Writes a notebook of code cells, each with what it printed before, where git does not look. */
function writeNotebook(name: string, cells: [code: string, printed?: string][]): void {
  const written = cells.map(([source, text]) => ({
    cell_type: 'code',
    source,
    outputs: text === undefined ? [] : [{ output_type: 'stream', name: 'stdout', text }],
  }));
  const text = JSON.stringify({ cells: written, metadata: {}, nbformat: 4, nbformat_minor: 5 });
  writeFileSync(join(lab.notebooks, name), normaliseNotebook(text, cloneRoot));
}

async function open(name: string): Promise<void> {
  await notebook?.page.close();
  await lab.endKernels();
  notebook = await NotebookPage.open(browser, lab, name);
}

test('npm start opens the start page, whose links open notebooks, without a news popup', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(DRAWING_TIMEOUT_MS);
  await page.goto(lab.url);
  const start = page.locator('.jp-MarkdownViewer');
  await start.getByRole('heading', { name: 'Start here' }).waitFor();
  expect(await start.locator('table a').count()).toBe(NOTEBOOKS.length);
  await page.screenshot({ path: join(OUTPUT, 'start-page.png') });
  expect(await page.getByText('Would you like to get notified').count()).toBe(0);
  await start.locator('table a').first().click();
  await page.locator('.jp-Notebook').getByRole('heading', { level: 1 }).waitFor();
  await page.close();
});

describe('a notebook that is opened and saved', () => {
  test.each(NOTEBOOKS)('%s is the same to the byte, and whole at 1,280 and 1,000 pixels', async (name) => {
    await open(name);
    await sleep(SETTLING_MS);
    for (const width of [1280, 1000]) {
      await notebook.page.setViewportSize({ width, height: 900 });
      await expect.poll(() => unreadable(notebook.page), { timeout: READING_TIMEOUT_MS }).toEqual([]);
    }
    expect((await notebook.save()) === readFileSync(join(SOURCES, name), 'utf8')).toBe(true);
  });

  test.each(NOTEBOOKS)('%s opened in a narrow window shows its lines of code unbroken', async (name) => {
    await notebook?.page.close();
    await lab.endKernels();
    notebook = await NotebookPage.open(browser, lab, name, 1000);
    const files = notebook.page.locator('.jp-DirListing').first();
    await expect.poll(() => files.isVisible(), { timeout: READING_TIMEOUT_MS }).toBe(false);
    await expect.poll(() => wrappedLines(notebook.page), { timeout: READING_TIMEOUT_MS }).toEqual([]);
    await notebook.page.screenshot({ path: join(OUTPUT, 'narrow.png') });
    await notebook.page.keyboard.press('Control+b');
    await expect.poll(() => files.isVisible(), { timeout: READING_TIMEOUT_MS }).toBe(true);
  });

  test('shows the reader’s change as one line', async () => {
    writeNotebook('my/change.ipynb', [['1;'], ['2;']]);
    const before = readFileSync(join(lab.notebooks, 'my/change.ipynb'), 'utf8').split('\n');
    await open('my/change.ipynb');
    await notebook.cells.first().locator('.cm-content').click();
    await notebook.page.keyboard.press('End');
    await notebook.page.keyboard.type(' // mine');
    const after = (await notebook.save()).split('\n');
    expect(after.filter((line, i) => line !== before[i])).toEqual(['    "1; // mine"']);
  });
});

describe('cells as readers write them', () => {
  beforeAll(async () => {
    // A notebook in the reader's own folder finds the lib by the same path.
    writeNotebook('my/cells.ipynb', [["import { abortOnInterrupt, fit, show, table } from '../lib';"]]);
    await open('my/cells.ipynb');
    await notebook.runAll();
  });

  test.each([
    [
      'shorthand with a name of an earlier cell',
      ['const points = [1, 2];', 'console.log({ points });'],
      '{ points: [ 1, 2 ] }',
    ],
    [
      'closures over it',
      [
        'let rate = 1; const seen = () => rate;',
        'rate = 2;',
        'console.log([() => ({ rate })][0](), seen());',
      ],
      '{ rate: 2 } 2',
    ],
    [
      'for await at the top',
      [
        'async function* steps() { yield 1; yield 2; }',
        'for await (const step of steps()) console.log(step);',
      ],
      '1\n2',
    ],
    [
      'toSorted and groupBy',
      ['Object.keys(Object.groupBy([3, 1, 2].toSorted(), (n) => `n${n}`)).join()'],
      'n1,n2,n3',
    ],
  ])('%s', async (_, codes, shown) => {
    for (const code of codes.slice(0, -1)) await notebook.run(code);
    const cell = await notebook.run(codes.at(-1)!);
    await expect.poll(() => outputOf(cell)).toBe(shown);
    expect(await isRed(cell)).toBe(false);
  });

  test('a thousand lines are shown, and the cell ends', async () => {
    const cell = await notebook.run('for (let i = 1; i <= 1000; i++) console.log(i);');
    await expect.poll(async () => (await outputOf(cell)).split('\n')).toHaveLength(1000);
    await notebook.idle();
  });

  test('numbers in a printed line do not break', async () => {
    await notebook.page.setViewportSize({ width: 1000, height: 900 });
    const cell = await notebook.run("console.log('from −0.0281 [−0.0487, −0.0075] on; '.repeat(12));");
    await expect.poll(() => outputOf(cell)).toContain('on;');
    expect(await unreadable(notebook.page)).toEqual([]);
    await cell.screenshot({ path: join(OUTPUT, 'cell-numbers.png') });
    await notebook.page.setViewportSize({ width: 1280, height: 900 });
  });

  test('a last line that is not awaited is waited for', async () => {
    const cell = await notebook.run('const later = async () => 42;\nlater()');
    await expect.poll(() => outputOf(cell)).toBe('42');
  });

  test('an error shows the line of the reader, and nothing of what runs', async () => {
    await notebook.run('const half = (text: string) => text.slice(0, text.length / 2);');
    const cell = await notebook.run('// too short\nconst missing: any = undefined;\nhalf(missing);');
    await expect.poll(() => outputOf(cell)).toContain('line 3: half(missing);');
    const shown = await outputOf(cell);
    expect(shown.split('\n')[0]).toBe("TypeError: Cannot read properties of undefined (reading 'slice')");
    expect(shown).not.toMatch(/evalmachine|tslab|exports|node:/);
    await cell.screenshot({ path: join(OUTPUT, 'cell-error.png') });
  });

  test('Shift-Tab inside brackets tells what the function does', async () => {
    await notebook.add('fit(');
    await notebook.page.keyboard.press('Shift+Tab');
    const help = notebook.page.locator('.jp-Tooltip');
    await expect
      .poll(() => help.innerText())
      .toContain('Trains a model and draws its losses while it learns');
    await notebook.page.screenshot({ path: join(OUTPUT, 'cell-help.png') });
  });
});

describe('the stop button', () => {
  const WAITS = "console.log('begun');\nawait new Promise(() => {});";

  test('ends a cell with one calm line', async () => {
    writeNotebook('my/stop.ipynb', [['1']]);
    await open('my/stop.ipynb');
    const cell = await notebook.start(WAITS);
    await expect.poll(() => outputOf(cell)).toBe('begun');
    await notebook.busy();
    await notebook.stop();
    await notebook.idle();
    await expect.poll(() => outputOf(cell)).toBe('begun\nStopped.');
    expect(await isRed(cell)).toBe(false);
    await cell.screenshot({ path: join(OUTPUT, 'cell-stopped.png') });
  });

  test('during Run All leaves what the cells below it showed, and the kernel is busy until then', async () => {
    writeNotebook('my/all.ipynb', [
      ['1', 'first, recorded'],
      [WAITS, 'second, recorded'],
      ['3', 'third, recorded'],
    ]);
    await open('my/all.ipynb');
    await notebook.menu('Run', 'Run All Cells');
    await expect.poll(() => outputOf(notebook.cells.nth(1))).toBe('begun');
    await notebook.busy();
    // A question of the page that is answered meanwhile does not make the kernel idle.
    await sleep(SETTLING_MS);
    await notebook.busy();
    expect(await notebook.cells.nth(2).locator('.jp-InputPrompt').innerText()).toBe('[*]:');
    await notebook.stop();
    await notebook.finished();
    const shown = await Promise.all([0, 1, 2].map((index) => outputOf(notebook.cells.nth(index))));
    expect(shown).toEqual(['1', 'begun\nStopped.', 'third, recorded']);
    await notebook.page.screenshot({ path: join(OUTPUT, 'run-all-stopped.png') });
    // And it goes on from there.
    await notebook.cells.nth(2).locator('.jp-InputPrompt').click();
    await notebook.page.keyboard.press('Control+Enter');
    await expect.poll(() => outputOf(notebook.cells.nth(2))).toBe('3');
  });

  test('an error during Run All does the same', async () => {
    writeNotebook('my/error.ipynb', [["throw new Error('mine');"], ['2', 'second, recorded']]);
    await open('my/error.ipynb');
    await notebook.menu('Run', 'Run All Cells');
    await expect.poll(() => outputOf(notebook.cells.first())).toContain('Error: mine');
    await notebook.finished();
    expect(await outputOf(notebook.cells.nth(1))).toBe('second, recorded');
  });
});

describe('stories', () => {
  beforeAll(async () => {
    const text = 'All that is written here is about weights that are minus one, zero or one. '.repeat(200);
    writeFileSync(join(lab.notebooks, 'my/book.txt'), text);
    writeNotebook('my/stories.ipynb', [[STORY_SETUP]]);
    await open('my/stories.ipynb');
    await notebook.runAll();
  });

  test.each(STORIES)('$name', async ({ code, lines, shows, charts }) => {
    expect(code.split('\n').length).toBeLessThanOrEqual(lines);
    const cell = await notebook.run(code);
    await expect.poll(() => outputOf(cell)).toMatch(shows);
    await expect
      .poll(() => cell.locator('.js-plotly-plot .main-svg').locator('..').count(), {
        timeout: DRAWING_TIMEOUT_MS,
      })
      .toBeGreaterThanOrEqual(charts);
    expect(await isRed(cell)).toBe(false);
    await cell.screenshot({
      path: join(OUTPUT, `story-${STORIES.findIndex((story) => story.code === code)}.png`),
    });
  });

  test('a training is stopped with one calm line, keeps its chart, and goes on', async () => {
    await notebook.run('const model = training.createModel(small, 1);');
    const code = 'const long = await fit(model, corpus, { ...brief, steps: 100_000 });';
    const cell = await notebook.start(code);
    await cell.locator('.js-plotly-plot .main-svg').first().waitFor();
    await notebook.stop();
    await cell.getByText('run the cell again to go on').waitFor();
    await notebook.idle();
    expect(await isRed(cell)).toBe(false);
    const chart = cell.locator('.js-plotly-plot').first();
    await expect.poll(() => chart.textContent()).toMatch(/stopped at step [\d,]+ of 100,000 · \d+ s · loss/);
    expect(await chart.textContent()).not.toContain('left');
    await cell.screenshot({ path: join(OUTPUT, 'training-stopped.png') });
    const seen = await notebook.run('long.done > 0 && long.done < 100_000');
    await expect.poll(() => outputOf(seen)).toBe('true');
  });

  test('a model that was saved is opened after a restart of the kernel, and a run goes on', async () => {
    const loss = 'console.log(model.evaluate(corpus, 4, 32));';
    await notebook.run(
      "await fit(model, corpus, { ...brief, folder: 'my/runs/kept' });\nawait model.save('my/model', corpus.tokenizer);",
    );
    const before = await notebook.run(loss);
    await expect.poll(() => outputOf(before)).toMatch(/^\d\.\d+$/);
    await notebook.restartKernel();
    await notebook.run(STORY_SETUP);
    await notebook.run("const model = await training.openModel('my/model');");
    const after = await notebook.run(loss);
    await expect.poll(() => outputOf(after)).toBe(await outputOf(before));
    const more = await notebook.run(
      "await fit(model, corpus, { ...brief, steps: 16, folder: 'my/runs/kept' });",
    );
    await expect.poll(() => outputOf(more)).toContain('step 16 of 16');
    const written = await notebook.run(
      "for await (const { text } of (await loadModel('my/model')).generate('All', { maxTokens: 8, seed: 1 })) process.stdout.write(text);",
    );
    await expect.poll(async () => (await outputOf(written)).length).toBeGreaterThan(0);
    for (const cell of [more, written]) expect(await isRed(cell)).toBe(false);
  });
});

describe('notebook 2', () => {
  const RERUN = "rerun('scaling-law'";
  const rerunCell = () => notebook.cells.filter({ hasText: RERUN });

  test('Run All trains while the kernel is busy and a line tells how far it is; ■ stops it there', async () => {
    await open('2-scaling-law.ipynb');
    await notebook.menu('Run', 'Run All Cells');
    await expect.poll(() => outputOf(rerunCell())).toMatch(/\d+ of \d+ runs done, \d+ under way/);
    await notebook.busy();
    const behind = notebook.cells.filter({ hasText: 'scalingClaims(recorded.runs)' }).last();
    const recorded = await outputOf(behind);
    await notebook.stop();
    await notebook.finished();
    await expect
      .poll(() => outputOf(rerunCell()))
      .toMatch(/stopped with \d+ of \d+ runs done; run the cell again/);
    expect(await outputOf(behind)).toBe(recorded);
    expect(await isRed(notebook.page.locator('.jp-Notebook'))).toBe(false);
    await rerunCell().screenshot({ path: join(OUTPUT, 'rerun-stopped.png') });
  });

  test('goes on from there to its end, and a chart has the own curves beside the recorded ones', async () => {
    await rerunCell().locator('.jp-InputPrompt').click();
    await notebook.menu('Run', 'Run Selected Cell and All Below');
    await notebook.page.locator('.jp-InputPrompt').getByText('[*]').first().waitFor();
    await notebook.finished();
    await expect.poll(() => outputOf(rerunCell())).toMatch(/(\d+) of \1 runs done *$/m);
    const saved = (await notebook.savedCells()).find(({ source }) =>
      [source].flat().join('').includes(RERUN),
    );
    const charts = (saved?.outputs ?? []).flatMap(
      ({ data }) => data?.['application/vnd.plotly.v1+json'] ?? [],
    );
    expect(charts).toHaveLength(1);
    expect((charts[0] as { data: object[] }).data.length).toBeGreaterThanOrEqual(2);
    await rerunCell().locator('.js-plotly-plot .main-svg').first().waitFor();
    expect(await isRed(notebook.page.locator('.jp-Notebook'))).toBe(false);
    await rerunCell().screenshot({ path: join(OUTPUT, 'rerun-ended.png') });
  });
});

describe('notebook 0', () => {
  test('runs from its first cell to its last, without red, and draws its charts in both themes', async () => {
    await open('0-bitlinear.ipynb');
    await notebook.runAll();
    const code = (await notebook.savedCells()).filter(({ cell_type: type }) => type === 'code');
    expect(code.map(({ execution_count: count }) => count)).toEqual(code.map((_, index) => index + 1));
    const outputs = code.flatMap(({ outputs }) => outputs ?? []);
    expect(outputs.filter(({ output_type: type, name }) => type === 'error' || name === 'stderr')).toEqual(
      [],
    );
    const charts = outputs.filter(
      ({ data }) => data?.['application/vnd.plotly.v1+json'] !== undefined,
    ).length;
    expect(charts).toBeGreaterThan(0);
    const { page } = notebook;
    for (const theme of ['Dark', 'Light']) {
      await notebook.menu('Settings', 'Theme', `JupyterLab ${theme}`);
      await page.locator(`body[data-jp-theme-light="${theme === 'Light'}"]`).waitFor({ state: 'attached' });
      const drawn = page.locator('.js-plotly-plot').filter({ has: page.locator('.main-svg') });
      await expect.poll(() => drawn.count(), { timeout: DRAWING_TIMEOUT_MS }).toBe(charts);
      // Those of the other theme are not displayed.
      await expect
        .poll(() =>
          page.evaluate<number[]>(
            `[...document.querySelectorAll('.jp-RenderedMarkdown img')]
              .filter((image) => image.offsetParent !== null).map((image) => image.naturalWidth)`,
          ),
        )
        .toEqual(Array(DIAGRAMS).fill(DIAGRAM_WIDTH));
      for (let chart = 0; chart < charts; chart++) {
        await drawn.nth(chart).scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(OUTPUT, `notebook-${theme.toLowerCase()}-${chart + 1}.png`) });
      }
    }
  });
});

describe('the terminal', () => {
  test('stays silent but for the address', () => {
    expect(lab.output()).not.toMatch(/unknown msg_type|not trusted|Traceback|\[W /);
  });

  test('by Ctrl-C leaves no server and no kernel behind, even in the middle of a training', async () => {
    await open('my/stories.ipynb');
    await notebook.run(STORY_SETUP);
    const cell = await notebook.start(
      'await fit(training.createModel(small, 1), corpus, { ...brief, steps: 100_000 });',
    );
    await cell.locator('.js-plotly-plot .main-svg').first().waitFor();
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
