/**
 * JupyterLab's extension of this project (scripts/lab/) and its settings, put where JupyterLab looks for them. They are
 * copied at every start, so that they are always those of this clone.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from './written-whole.js';

/** JupyterLab's settings for this project; what the user sets in its menus still wins. */
const LAB_SETTINGS = {
  '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false },
  // Long lines would be cut.
  '@jupyterlab/notebook-extension:tracker': { codeCellConfig: { lineNumbers: false, lineWrap: true } },
  // The start page and the solutions are to be read.
  '@jupyterlab/docmanager-extension:plugin': { defaultViewers: { markdown: 'Markdown Preview' } },
};

/** @type {import('./steps.js').Step} */
export const labExtension = {
  title: 'Extension of JupyterLab',
  doing: 'copying it',

  async run({ root, nodeModules, venv }) {
    const source = join(root, 'scripts', 'lab');
    const target = join(venv, 'share', 'jupyter', 'labextensions', 'bitnet-notebooks');
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(source)) copyWhole(join(source, name), join(target, name));
    copyWhole(join(nodeModules, 'plotly.js', 'dist', 'plotly.min.js'), join(target, 'plotly.min.js'));
    writeJson(join(venv, 'share', 'jupyter', 'lab', 'settings', 'overrides.json'), LAB_SETTINGS);
    return 'ready';
  },
};

/** A server that runs already may read the file at any moment. @param {string} from @param {string} to */
function copyWhole(from, to) {
  const beside = `${to}.${randomUUID()}.partial`;
  copyFileSync(from, beside);
  renameSync(beside, to);
}
