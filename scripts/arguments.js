import { parseArgs } from 'node:util';
import { SetupError } from './setup/setup-error.js';

/**
 * The arguments of the command line, as `parseArgs` reads them.
 * @template {import('node:util').ParseArgsConfig} const T
 * @param {string} command opens the message
 * @param {string} usage stands behind it
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 * @throws {SetupError} for an argument that there is not
 */
export function readArguments(command, usage, config) {
  try {
    return parseArgs(config);
  } catch (error) {
    // The rest of the message is advice on Node's own conventions.
    throw new SetupError(`${command}: ${/** @type {Error} */ (error).message.split('.')[0]}.`, usage);
  }
}
