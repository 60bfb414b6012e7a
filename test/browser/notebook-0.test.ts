/** Notebook 0 as a person sees it: JupyterLab started by `npm start`, Run All, and the stop button during training. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Screenshots, kept as output of the test. */
const PICTURES = `${ROOT}test/output`;
const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));
const TOKEN = 'browser-test';

let browser: Browser;
let server: ChildProcess | undefined;
let port = 0;

beforeAll(async () => {
  if (CHROMIUM === undefined) {
    throw new Error('browser test: Chromium must be installed, got none. Install it, or set CHROMIUM_PATH.');
  }
  await mkdir(PICTURES, { recursive: true });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-sync',
    ],
  });
});

afterEach(async () => {
  if (server === undefined) return;
  const ended = new Promise((resolve) => server!.once('exit', resolve));
  server.kill('SIGINT');
  await ended;
  server = undefined;
});

afterAll(async () => {
  await browser?.close();
});

/** Starts JupyterLab as `npm start` does and opens notebook 0 in it. */
async function openNotebook(preset: 'smoke' | 'laptop'): Promise<Page> {
  port = await freePort();
  const own = ['--no-browser', '--port', String(port), '--LabApp.expose_app_in_browser=True'];
  const root = process.getuid?.() === 0 ? ['--allow-root'] : [];
  server = spawn(
    process.execPath,
    ['scripts/start.js', ...own, ...root, `--IdentityProvider.token=${TOKEN}`],
    { cwd: ROOT, env: { ...process.env, BITNET_PRESET: preset }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await waitForServer();
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  await page.goto(`http://127.0.0.1:${port}/lab/tree/0-bitlinear.ipynb?token=${TOKEN}&reset`);
  await page.waitForFunction(() => {
    const { jupyterapp } = globalThis as unknown as Lab;
    return jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle';
  });
  return page;
}

/** The part of JupyterLab's application object that the test reads. */
interface Lab {
  jupyterapp?: {
    commands: { execute(command: string): Promise<unknown> };
    shell: {
      currentWidget?: {
        content: {
          activeCellIndex: number;
          widgets: {
            model: { type: string; sharedModel: { source: string }; outputs?: { toJSON(): Output[] } };
          }[];
        };
        sessionContext?: { session?: { kernel?: { status: string; interrupt(): Promise<void> } } };
      };
    };
  };
}

interface Output {
  output_type: string;
  ename?: string;
  evalue?: string;
  text?: string | string[];
  data?: Record<string, unknown>;
}

/** Outputs of the code cell whose source contains `text`. */
function outputsOf(page: Page, text: string): Promise<Output[]> {
  return page.evaluate((wanted) => {
    const { widgets } = (globalThis as unknown as Lab).jupyterapp!.shell.currentWidget!.content;
    const cell = widgets.find(
      ({ model }) => model.type === 'code' && model.sharedModel.source.includes(wanted),
    );
    return cell?.model.outputs?.toJSON() ?? [];
  }, text);
}

function run(page: Page, command: string): Promise<void> {
  return page.evaluate((name) => {
    void (globalThis as unknown as Lab).jupyterapp!.commands.execute(name);
  }, command);
}

describe('notebook 0 in JupyterLab', () => {
  it('runs from top to bottom, shows interactive charts and has no failed cell', async () => {
    const page = await openNotebook('smoke');
    await run(page, 'notebook:run-all-cells');
    await expect
      .poll(() => outputsOf(page, 'const gap'), { timeout: 600_000, interval: 1000 })
      .not.toEqual([]);
    const errors = await page.evaluate(() =>
      (globalThis as unknown as Lab)
        .jupyterapp!.shell.currentWidget!.content.widgets.flatMap(
          ({ model }) => model.outputs?.toJSON() ?? [],
        )
        .filter((output) => output.output_type === 'error' || output.ename !== undefined),
    );
    expect(errors).toEqual([]);
    await page.locator('.js-plotly-plot').first().waitFor();
    expect(await page.locator('.js-plotly-plot').count()).toBeGreaterThan(0);
    await page.screenshot({ path: `${PICTURES}/0-bitlinear-end.png` });
    await page.close();
  });

  it('stops training when the kernel is interrupted, and keeps the model and the curve', async () => {
    const page = await openNotebook('laptop');
    await run(page, 'notebook:run-all-cells');
    // Live frames are there once training runs.
    const frames = async (): Promise<number> =>
      (await outputsOf(page, 'async function watch')).filter(({ data }) => data?.['image/svg+xml']).length;
    await expect.poll(frames, { timeout: 600_000, interval: 500 }).toBeGreaterThan(0);
    await page.evaluate(() => {
      const { currentWidget } = (globalThis as unknown as Lab).jupyterapp!.shell;
      return currentWidget!.sessionContext!.session!.kernel!.interrupt();
    });
    await page.waitForFunction(
      () =>
        (globalThis as unknown as Lab).jupyterapp!.shell.currentWidget!.sessionContext!.session!.kernel!
          .status === 'idle',
    );
    expect(await frames()).toBeGreaterThan(0);
    await page.screenshot({ path: `${PICTURES}/0-bitlinear-stopped.png` });
    // The next cell reads what was learned: fewer steps than asked for.
    await page.evaluate(() => {
      const { content } = (globalThis as unknown as Lab).jupyterapp!.shell.currentWidget!;
      content.activeCellIndex = content.widgets.findIndex(({ model }) =>
        model.sharedModel.source.startsWith('const end ='),
      );
    });
    await run(page, 'notebook:run-cell');
    const text = async (): Promise<string> =>
      (await outputsOf(page, 'const end =')).map((output) => [output.text ?? ''].flat().join('')).join('');
    await expect.poll(text, { timeout: 60_000 }).toMatch(/^step \d+:/);
    const step = Number(/^step (\d+)/.exec(await text())![1]);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(1000);
    await page.close();
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function waitForServer(): Promise<void> {
  await expect
    .poll(
      async () => {
        if (server?.exitCode !== null) throw new Error('browser test: JupyterLab ended before it answered.');
        return fetch(`http://127.0.0.1:${port}/api?token=${TOKEN}`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      { timeout: 240_000, interval: 500 },
    )
    .toBe(true);
}
