/** Thrown for a run folder that cannot be made, read, resumed or written. Nothing was lost: files stay as they were. */
export class RunFolderError extends Error {
  override readonly name = 'RunFolderError';
}
