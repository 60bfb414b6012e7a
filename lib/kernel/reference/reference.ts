/** What an operation is in plain TypeScript. */
import type { OperationName, OperationParameters } from '../operations.js';
import type { Views } from './views.js';

/** The part of an operation that one thread computes. */
export interface Share {
  from: number;
  to: number;
  /** Address of memory that only this thread uses. */
  scratch: number;
}

/** Computes items `from` to `to` on a memory. */
export type Reference<Name extends OperationName> = (
  m: Views,
  share: Share,
  parameters: OperationParameters<Name>,
) => void;
