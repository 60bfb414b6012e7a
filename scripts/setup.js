/**
 * `npm run setup`: makes what is missing, and nothing else. Also tries for TensorFlow again where an earlier set-up
 * had to do without.
 */
import { requireNode } from './setup/node.js';

requireNode();

const { endProgramsOnSignal } = await import('./setup/command.js');
const { allSteps } = await import('./setup/list.js');
const { projectAt } = await import('./setup/project.js');
const { runSteps } = await import('./setup/steps.js');
const { retryTensorflow } = await import('./setup/tensorflow.js');

endProgramsOnSignal();
const project = projectAt();
retryTensorflow(project);
process.exit((await runSteps(allSteps, project)) ? 0 : 1);
