/**
 * Packages of requirements.txt one by one: their version, and the SHA-256 of every file that was published of it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './written-whole.js';

/**
 * @param {import('./project.js').Project} project
 * @param {string} name
 * @returns {{ version: string, sha256: string[], text: string }} `text` is the package's part of requirements.txt
 */
export function pinOf({ requirements }, name) {
  // A package is a line and, indented, its hashes.
  const parts = readFileSync(requirements, 'utf8').split(/\n(?=\S)/);
  const text = parts.find((part) => part.startsWith(`${name}==`));
  if (text === undefined) throw new Error(`set-up: ${requirements} must name ${name}, and does not.`);
  const [version] = text.slice(name.length + 2).split(/\s/, 1);
  return { version, sha256: [...text.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, hash]) => hash), text };
}

/**
 * A file with one package's part of requirements.txt, for pip.
 * @param {import('./project.js').Project} project
 * @param {string} name
 */
export function pinFile(project, name) {
  mkdirSync(project.setupCache, { recursive: true });
  const file = join(project.setupCache, `${name}.txt`);
  writeWhole(file, `${pinOf(project, name).text.trimEnd()}\n`);
  return file;
}
