/** The compiled parts that even tests of the sources need: the WebAssembly kernels, and the code of worker threads. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Compiles what is not up to date. `npm test` has done it already; a single test file run alone has not. */
export async function compileKernel(): Promise<void> {
  const run = promisify(execFile);
  await run(process.execPath, ['scripts/build-kernel.js'], { cwd: ROOT });
  if (process.env.npm_lifecycle_event === 'test' && existsSync(`${ROOT}lib/dist/kernel/worker.js`)) return;
  // An error in a file that has nothing to do with the kernel does not matter here: its code is written all the same.
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'lib'], { cwd: ROOT }).catch(
    () => {},
  );
}
