/**
 * lib/ and experiments/ compiled to their dist/, where the notebooks find them. The compiler itself knows what is up
 * to date, so it is asked at every start.
 */
import { join } from 'node:path';
import { runCommand } from './command.js';
import { SetupError } from './setup-error.js';

/** @type {import('./steps.js').Step} */
export const build = {
  title: 'Compiled lib',
  doing: 'compiling',

  async run(project) {
    const { root, nodeModules, setupCache, env } = project;
    const compiler = join(nodeModules, 'typescript', 'bin', 'tsc');
    const log = join(setupCache, 'build.log');
    try {
      await runCommand(process.execPath, [compiler, '-b', 'lib', 'experiments'], {
        cwd: root,
        env,
        log,
        name: 'tsc',
      });
    } catch (error) {
      const { output } = /** @type {{ output?: string }} */ (error);
      if (!/error TS\d/.test(output ?? '')) throw error;
      throw new SetupError(
        `The lib does not compile:\n${output}`,
        'Mend these lines and run the command again.',
        log,
      );
    }
    return 'ready';
  },
};
