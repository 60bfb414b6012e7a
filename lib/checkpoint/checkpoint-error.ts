import { FileError } from '../io/file-error.js';

/** Thrown for what a checkpoint holds: damaged, foreign, incomplete or at odds with its config. */
export class CheckpointError extends FileError {
  override readonly name = 'CheckpointError';
}
