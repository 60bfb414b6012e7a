/** What this extension adds to JupyterLab beside its renderers. */
import { oneAtATime } from './cell-executor.js';
import { foldWhereNarrow } from './side-bar.js';

/**
 * The plugins, as JupyterLab takes them.
 * @param {import('./mime-extension.js').SharedModules} shared
 */
export default async function makePlugins(shared) {
  const [{ get }] = Object.values(shared['@jupyterlab/notebook']);
  const { INotebookCellExecutor, runCell } = (await get())();
  return [
    {
      id: 'bitnet-notebooks:cell-executor',
      description: 'Runs the cells of a notebook one after the other.',
      autoStart: true,
      provides: INotebookCellExecutor,
      activate: () => Object.freeze({ runCell: oneAtATime(runCell) }),
    },
    {
      id: 'bitnet-notebooks:side-bar',
      description: 'Folds the side bar in a narrow window.',
      autoStart: true,
      activate: (/** @type {import('./side-bar.js').Lab} */ lab) =>
        void foldWhereNarrow(lab, window.innerWidth),
    },
  ];
}
