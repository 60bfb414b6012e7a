/**
 * JupyterLab's extension of this project (scripts/lab/), put where JupyterLab looks for extensions. It is copied at
 * every start, so that it is always the one of this clone.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** @type {import('./steps.js').Step} */
export const labExtension = {
  title: 'Charts in JupyterLab',
  doing: 'copying their extension',

  async run({ root, nodeModules, venv }) {
    const source = join(root, 'scripts', 'lab');
    const target = join(venv, 'share', 'jupyter', 'labextensions', 'bitnet-notebooks');
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(source)) copyWhole(join(source, name), join(target, name));
    copyWhole(join(nodeModules, 'plotly.js', 'dist', 'plotly.min.js'), join(target, 'plotly.min.js'));
    return 'ready';
  },
};

/** A server that runs already may read the file at any moment. @param {string} from @param {string} to */
function copyWhole(from, to) {
  const beside = `${to}.${randomUUID()}.partial`;
  copyFileSync(from, beside);
  renameSync(beside, to);
}
