import { defineConfig } from 'vitest/config';

/** `npm run test:browser`: JupyterLab in a real browser. Apart from `npm test`, since it needs Chromium. */
export default defineConfig({
  test: { include: ['test/browser/**/*.test.ts'], testTimeout: 900_000, hookTimeout: 300_000 },
});
