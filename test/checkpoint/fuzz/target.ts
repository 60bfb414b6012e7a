/** What every kind of fuzzing has. */
import type { Mutated } from './mutations.js';
import type { Random } from './random.js';

/** One way to fuzz. */
export interface FuzzTarget {
  /** Writes a damaged file. */
  damage(random: Random): Mutated;
  /** Reads it as far as it lets itself be read. @throws what the reader throws; FuzzFailure if it took in too much */
  read(mutated: Mutated, random: Random): Promise<void>;
  /** Whether an error is a proper refusal, besides those that every reader of files may give. */
  isRefusal?(error: unknown): boolean;
}

/** A reader accepted something that breaks a promise. */
export class FuzzFailure extends Error {}

export function require(holds: boolean, promise: string): void {
  if (!holds) throw new FuzzFailure(promise);
}
