/** Runs the toy run in a process of its own and says each step, for the test that kills it. */
import { toyRun } from './toy-run.js';

await toyRun(process.argv[2], 3, (step) => process.stdout.write(`${step}\n`));
