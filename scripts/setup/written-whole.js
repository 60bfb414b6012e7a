/**
 * Files that are either there in full or not at all: written beside, then renamed.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * @param {string} file
 * @param {string} text
 */
export function writeWhole(file, text) {
  makeFolder(dirname(file));
  const beside = `${file}.${randomUUID()}.partial`;
  writeFileSync(beside, text);
  renameSync(beside, file);
}

/**
 * Makes a folder with its parents. Node's own `recursive` says of a read-only disk that something is missing.
 * @param {string} folder
 */
function makeFolder(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT' || dirname(folder) === folder)
      throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder);
  }
}

/**
 * Writes a value as JSON.
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}

/**
 * The value in a JSON file, or nothing where there is no such file or it is not JSON.
 * @param {string} file
 * @returns {any}
 */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
