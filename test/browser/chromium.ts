import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** What keeps Chromium from using a GPU and from calling home; as root it runs only without its sandbox. */
const ARGS = ['disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-sync'];

/**
 * Starts the machine's Chromium without a window.
 * @throws Error where there is none: says what to install
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM_PATH, ...USUAL_PLACES].find(
    (path) => path && existsSync(path),
  );
  if (executablePath === undefined) {
    throw new Error(
      'The browser test needs Chromium; none was found. ' +
        'Install it (Debian and Ubuntu: sudo apt install chromium), or set CHROMIUM_PATH to its program.',
    );
  }
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const args = [...ARGS, 'disable-component-update'].map((name) => `--${name}`);
  return chromium.launch({ executablePath, headless: true, args: [...args, ...sandbox] });
}
