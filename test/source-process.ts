/** Runs a TypeScript module of the tests in a process of its own, for tests that kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// Vite is what vitest itself compiles the tests with.
const RUN =
  "import { runnerImport } from 'vite'; await runnerImport(process.argv[1], { configFile: false, logLevel: 'error' });";

/** The command that runs a TypeScript module; see {@link startSource}. */
export function sourceCommand(module: string, args: readonly string[]): [program: string, args: string[]] {
  return [process.execPath, ['--input-type=module', '-e', RUN, '--', `${ROOT}${module}`, ...args]];
}

/**
 * Starts `node` on a TypeScript module.
 * @param module path from the root of the repository
 * @param args are process.argv from 2 on
 */
export function startSource(module: string, args: readonly string[]): ChildProcess {
  return spawn(...sourceCommand(module, args), { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits for the end of a process. */
export function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}
