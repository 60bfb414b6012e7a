import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run the sources, not the compiled lib.
    alias: { '@bitnet-notebooks/lib': source('./lib/index.ts') },
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A real browser has a command of its own: npm run test:browser.
    exclude: ['test/browser/**'],
    pool: 'forks',
    maxWorkers: 2,
    // A hang is the only thing this is for: shared machines may be ten times slower than a laptop.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
