/**
 * Which processes run, by their arguments.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Processes that have `text` among their arguments. Not for Windows.
 * @param {string} text
 * @returns {number[]} their numbers
 */
export function processesNaming(text) {
  const lines = existsSync('/proc/self/cmdline') ? linesOfProc() : linesOfPs();
  return lines.filter(({ args }) => args.includes(text)).map(({ pid }) => pid);
}

/** Linux tells without a program: many containers have no `ps`. */
function linesOfProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), args: argumentsOf(name) }));
}

/** @param {string} pid */
function argumentsOf(pid) {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** macOS has no /proc, and always `ps`. */
function linesOfPs() {
  const options = { encoding: /** @type {const} */ ('utf8'), maxBuffer: 64e6 };
  return execFileSync('ps', ['-axo', 'pid=,args='], options)
    .split('\n')
    .map((line) => ({ pid: Number.parseInt(line, 10), args: line }));
}
