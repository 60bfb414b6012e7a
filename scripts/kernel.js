/**
 * What Jupyter starts as the TypeScript kernel: tslab, and beside it a watch that ends it when Jupyter is gone. A
 * kernel whose server was killed would otherwise go on training, and hold its memory, with nobody to see it.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

// A thread of its own, since a cell may keep the main one busy for minutes.
const watch = new Worker(new URL('./kernel-watch.js', import.meta.url));
watch.unref();

createRequire(import.meta.url)('tslab/dist/main.js').main();
