import { defineConfig } from 'vitest/config';

/** `npm run test:browser`: JupyterLab as a person sees it. One browser, one kernel, one thing after the other. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
    // Each check goes on from where the one before left the page.
    bail: 1,
  },
});
