/** Calls that may not end by themselves: patterns and templates out of a file can loop for ever. */
import { createContext, Script } from 'node:vm';

const CALL = new Script('call()');
const context: { call: unknown } = { call: undefined };
createContext(context);

/** Thrown where a call has not ended in time. */
export class TimeError extends Error {
  override readonly name = 'TimeError';
}

/**
 * Calls a function and stops it, whatever JavaScript it runs, if it takes too long.
 * @throws TimeError; what the function throws
 */
export function withinTime<Result>(ms: number, call: () => Result): Result {
  const outer = context.call;
  context.call = call;
  try {
    return CALL.runInContext(context, { timeout: ms }) as Result;
  } catch (error) {
    const isStopped = (error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    throw isStopped ? new TimeError(`it takes more than ${ms} ms`, { cause: error }) : error;
  } finally {
    context.call = outer;
  }
}
