/**
 * `npm test`: makes what the tests need, then runs them. What follows `--` goes to vitest:
 * `npm test -- test/quantizers`.
 */
import { requireNode } from './setup/node.js';

requireNode();

const { spawn } = await import('node:child_process');
const path = await import('node:path');
const { endProgramsOnSignal } = await import('./setup/command.js');
const { allSteps } = await import('./setup/list.js');
const { projectAt } = await import('./setup/project.js');
const { runSteps } = await import('./setup/steps.js');

const project = projectAt();
const stopListening = endProgramsOnSignal();
if (!(await runSteps(allSteps, project))) process.exit(1);
stopListening();

const vitest = path.join(project.nodeModules, 'vitest', 'vitest.mjs');
const tests = spawn(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: project.root,
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to vitest too; it ends in order, and this process with it.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.on(signal, () => tests.kill(signal));
tests.once('exit', (code) => process.exit(code ?? 1));
