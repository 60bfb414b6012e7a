/**
 * The one place that knows how tslab 1.0.22 writes to a cell. Its public API sends one mime type an output; a figure
 * needs several in one, and a live one needs to name the output that it replaces.
 */
import { createRequire } from 'node:module';

/** Representations of one output by mime type; the front end shows the richest that it knows. */
export type MimeBundle = Record<string, unknown>;

/** Puts an output into a cell, or, with `update`, in the place of those that have the same id. */
export type OutputWriter = (bundle: MimeBundle, displayId: string | undefined, update: boolean) => void;

/** tslab/dist/jupyter.js, as far as it is used. */
interface TslabJupyter {
  lastWriteDisplayData?:
    | ((
        content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
        update: boolean,
      ) => void)
    | null;
}

/** tslab's module that holds the running cell's writer. */
const WRITER_MODULE = /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/;

/**
 * The writer of the cell that runs now; undefined outside of a notebook. It stays with that cell: what is written
 * later, while another cell runs, still goes there.
 * @throws Error in a tslab that is not the version this was written for
 */
export function cellOutput(): OutputWriter | undefined {
  // Node keeps one table of CommonJS modules for the whole process: the tslab that runs is in it, wherever it lies.
  const { cache } = createRequire(import.meta.url);
  const loaded = Object.keys(cache).filter((path) => WRITER_MODULE.test(path));
  for (const path of loaded) {
    const write = (cache[path]?.exports as TslabJupyter | undefined)?.lastWriteDisplayData;
    if (typeof write !== 'function') continue;
    return (bundle, displayId, update) => {
      write(
        { data: bundle, metadata: {}, transient: displayId === undefined ? {} : { display_id: displayId } },
        update,
      );
    };
  }
  if ('__tslab__' in globalThis) {
    throw new Error(
      `show figure: the kernel must be tslab 1.0.22, got one without lastWriteDisplayData ` +
        `(${loaded[0] ?? 'tslab/dist/jupyter.js is not loaded'}). Start JupyterLab with: npm start`,
    );
  }
  return undefined;
}
