/**
 * lib/ and experiments/ compiled to their dist/, where the notebooks find them, and the WebAssembly kernel beside
 * them. The compilers themselves know what is up to date, so they are asked at every start.
 */
import { join } from 'node:path';
import { runCommand } from './command.js';
import { SetupError } from './setup-error.js';

/** @type {import('./steps.js').Step} */
export const build = {
  title: 'Compiled lib',
  doing: 'compiling',

  async run({ root, nodeModules, setupCache, env }) {
    const compiler = join(nodeModules, 'typescript', 'bin', 'tsc');
    const log = join(setupCache, 'build.log');
    try {
      const types = [compiler, '-b', 'lib', 'experiments'];
      await runCommand(process.execPath, types, { cwd: root, env, log, name: 'tsc' });
    } catch (error) {
      const { output } = /** @type {{ output?: string }} */ (error);
      if (!/error TS\d/.test(output ?? '')) throw error;
      throw new SetupError(
        `The lib does not compile:\n${output}`,
        'Mend these lines and run the command again.',
        log,
      );
    }
    const kernel = [join(root, 'scripts', 'build-kernel.js')];
    await runCommand(process.execPath, kernel, {
      cwd: root,
      env,
      log: join(setupCache, 'kernel.log'),
      name: 'build-kernel',
    });
    return 'ready';
  },
};
