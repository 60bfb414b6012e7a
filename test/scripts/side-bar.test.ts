import { expect, test } from 'vitest';
import { foldWhereNarrow } from '../../scripts/lab/side-bar.js';

/** A page of JupyterLab on which the list of files opens itself, as on a first visit, before all is restored. */
async function foldedOn(layout: { fresh?: boolean }, width: number): Promise<boolean> {
  let folded = true;
  const shell = { restored: Promise.resolve(layout), collapseLeft: () => void (folded = true) };
  const restored = shell.restored.then(async () => {
    await Promise.resolve();
    folded = false;
  });
  await foldWhereNarrow({ restored, shell }, width);
  return folded;
}

test('the side bar is folded on a first visit in a narrow window only', async () => {
  expect(await foldedOn({ fresh: true }, 1000)).toBe(true);
  expect(await foldedOn({ fresh: true }, 1279)).toBe(true);
  expect(await foldedOn({ fresh: true }, 1280)).toBe(false);
  expect(await foldedOn({}, 1000)).toBe(false);
  expect(await foldedOn({ fresh: false }, 1000)).toBe(false);
});
