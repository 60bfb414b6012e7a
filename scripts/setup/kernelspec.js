/**
 * Tells this project's JupyterLab about the TypeScript kernel. The paths in it are absolute, so it is written at every
 * start: the folder may have been moved, or another Node may run.
 */
import { join } from 'node:path';
import { writeJson } from './written-whole.js';

/** Jupyter's name for the kernel; notebooks carry it. */
export const KERNEL_NAME = 'tslab';

/** @type {import('./steps.js').Step} */
export const kernelspec = {
  title: 'TypeScript kernel',
  doing: 'writing its description',

  async run({ root, venv }) {
    writeJson(join(venv, 'share', 'jupyter', 'kernels', KERNEL_NAME, 'kernel.json'), {
      argv: [
        process.execPath,
        join(root, 'scripts', 'kernel.js'),
        'kernel',
        '--config-path',
        '{connection_file}',
      ],
      display_name: 'TypeScript',
      language: 'typescript',
      interrupt_mode: 'signal',
      // libtensorflow's notes on the processor would otherwise fill the terminal.
      env: { TF_CPP_MIN_LOG_LEVEL: '2' },
    });
    return `ready, Node ${process.version}`;
  },
};
