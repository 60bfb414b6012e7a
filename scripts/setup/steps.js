/**
 * Runs the steps of the set-up in order, each only where its work is not done yet.
 */
import { explain } from './setup-error.js';
import { ProgressLine } from './progress-line.js';
import { withSetupLock } from './lock.js';

/**
 * @typedef {import('./project.js').Project} Project
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {(project: Project) => Promise<string | undefined>} [done] what is there, in a word or two, where the work
 *   is done; nothing where it is not. Looks at files only, so that a second start is quick and works offline. A step
 *   without it is run at every start.
 * @property {string} doing what the line says while it works
 * @property {(project: Project, report: (detail: string) => void) => Promise<string>} run does the work and says
 *   what came of it
 */

/**
 * Runs `steps` on `project`.
 * @param {Step[]} steps
 * @param {Project} project
 * @param {NodeJS.WritableStream} [out]
 * @returns {Promise<boolean>} false after a step failed; why, and what to do, is printed then
 */
export async function runSteps(steps, project, out = process.stdout) {
  for (const [index, step] of steps.entries()) {
    const label = `[${index + 1}/${steps.length}] ${step.title}`;
    const line = new ProgressLine(label, out);
    try {
      const found = await step.done?.(project);
      line.end(found ?? (await work(step, project, line)));
    } catch (error) {
      const { why, remedy, log } = explain(error);
      line.end('failed');
      out.write(`\nThis step failed: ${step.title}.\nWhy: ${why}\nWhat to do: ${remedy}\n`);
      if (log !== undefined) out.write(`Everything it printed: ${log}\n`);
      return false;
    }
  }
  return true;
}

/**
 * @param {Step} step
 * @param {Project} project
 * @param {ProgressLine} line
 */
async function work(step, project, line) {
  line.begin(step.doing);
  const report = (/** @type {string} */ detail) => line.update(detail);
  return withSetupLock(project, report, async () => {
    // Another set-up may have done the work while this one waited for it.
    const found = await step.done?.(project);
    if (found !== undefined) return found;
    // The line may still speak of waiting.
    report(step.doing);
    return step.run(project, report);
  });
}
