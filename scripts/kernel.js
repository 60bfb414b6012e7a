/**
 * What Jupyter starts as the TypeScript kernel: tslab, with its edges mended (scripts/kernel/), and beside it a watch
 * that ends it when Jupyter is gone. A kernel whose server was killed would otherwise go on training, and hold its
 * memory, with nobody to see it.
 * Use: node scripts/kernel.js kernel --config-path CONNECTION_FILE
 */
import { Worker } from 'node:worker_threads';
import { readArguments } from './arguments.js';
import { startKernel } from './kernel/start.js';

// A thread of its own, since a cell may keep the main one busy for minutes.
const watch = new Worker(new URL('./kernel/watch.js', import.meta.url));
watch.unref();

const USAGE = 'Jupyter starts the kernel; to try it by hand: npm start';
const { values } = readArguments('Kernel', USAGE, {
  allowPositionals: true,
  options: { 'config-path': { type: 'string' } },
});
await startKernel(/** @type {string} */ (values['config-path']));
