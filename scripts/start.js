/**
 * `npm start`: makes what is missing, then opens JupyterLab in notebooks/. What follows `--` goes to JupyterLab:
 * `npm start -- --no-browser --port 9000`.
 * Imports nothing at its head but the check of Node's version, so that an old Node gets to say so.
 */
import { requireNode } from './setup/node.js';

requireNode();

const { endProgramsOnSignal } = await import('./setup/command.js');
const { allSteps } = await import('./setup/list.js');
const { projectAt } = await import('./setup/project.js');
const { explain } = await import('./setup/setup-error.js');
const { runSteps } = await import('./setup/steps.js');
const { requireFreePort } = await import('./port.js');
const { runJupyter } = await import('./jupyter.js');

const project = projectAt();
const args = process.argv.slice(2);
try {
  // Before the set-up, which may take minutes.
  await requireFreePort(args);
} catch (error) {
  console.error(explain(error).message);
  process.exit(1);
}
const stopListening = endProgramsOnSignal();
const ready = await runSteps(allSteps, project);
stopListening();
if (!ready) process.exit(1);
try {
  process.exit(await runJupyter(project, args));
} catch (error) {
  console.error(explain(error).message);
  process.exit(1);
}
