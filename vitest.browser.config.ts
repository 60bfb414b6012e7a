import { defineConfig } from 'vitest/config';

/** `npm run test:browser`: JupyterLab, charts and exported pages as a person sees them, one after the other. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
    // A page on a busy machine takes its time.
    expect: { poll: { timeout: 120_000 } },
    // In JupyterLab each check goes on from where the one before left the page.
    bail: 1,
  },
});
