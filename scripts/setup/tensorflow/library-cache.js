/**
 * TensorFlow's library and its binding for Node, kept outside node_modules and linked into it: `npm ci` empties
 * node_modules, and the library is a download of a quarter of a gigabyte.
 */
import { cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readJson, writeJson } from '../written-whole.js';

/** The folders of the tfjs-node package that its installation makes. The binding looks for the library at
 * ../../deps/lib from where it lies itself, so both keep their places relative to each other. */
const PARTS = ['deps', 'lib'];
const BINDING = join('lib', 'napi-v8', 'tfjs_binding.node');

/** @param {import('../project.js').Project} project */
export function tfjsNodeFolder({ nodeModules }) {
  return join(nodeModules, '@tensorflow', 'tfjs-node');
}

/** @param {import('../project.js').Project} project */
export function tfjsNodeVersion(project) {
  return String(readJson(join(tfjsNodeFolder(project), 'package.json'))?.version);
}

/** The cache's folder for this version of tfjs-node and this kind of machine. @param {import('../project.js').Project} project */
export function libraryFolder(project) {
  return join(project.tensorflowCache, `${tfjsNodeVersion(project)}-${process.platform}-${process.arch}`);
}

/** Where the binding lies in the package. @param {import('../project.js').Project} project */
export function installedBinding(project) {
  return join(tfjsNodeFolder(project), BINDING);
}

/** Where the binding lies in a folder that is about to become the cache's. @param {string} folder */
export function bindingIn(folder) {
  return join(folder, BINDING);
}

/** Whether the cache holds the library. @param {import('../project.js').Project} project */
export function isCached(project) {
  return existsSync(bindingIn(libraryFolder(project)));
}

/**
 * Moves what an installation left in the package into the cache.
 * @param {import('../project.js').Project} project
 * @param {string} route how it came there
 */
export function adoptInstalled(project, route) {
  const partial = freshPartial(project);
  for (const part of PARTS) move(join(tfjsNodeFolder(project), part), join(partial, part));
  keepPartial(project, route);
}

/** An empty folder for a library in the making. @param {import('../project.js').Project} project */
export function freshPartial(project) {
  const partial = `${libraryFolder(project)}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  return partial;
}

/**
 * Makes the folder of freshPartial, now whole, the cache's.
 * @param {import('../project.js').Project} project
 * @param {string} route
 */
export function keepPartial(project, route) {
  const folder = libraryFolder(project);
  writeJson(join(`${folder}.partial`, 'route.json'), { route });
  rmSync(folder, { recursive: true, force: true });
  renameSync(`${folder}.partial`, folder);
}

/** How the cached library came here. @param {import('../project.js').Project} project */
export function cachedRoute(project) {
  return String(readJson(join(libraryFolder(project), 'route.json'))?.route);
}

/** Makes the package use the cached library. @param {import('../project.js').Project} project */
export function linkIntoPackage(project) {
  for (const part of PARTS) {
    const place = join(tfjsNodeFolder(project), part);
    rmSync(place, { recursive: true, force: true });
    const target = join(libraryFolder(project), part);
    // Windows links folders by their full path only; a relative link outlives a move of the clone.
    symlinkSync(process.platform === 'win32' ? target : relative(dirname(place), target), place, 'junction');
  }
}

/** Takes the library out of the package. @param {import('../project.js').Project} project */
export function unlinkFromPackage(project) {
  for (const part of PARTS) rmSync(join(tfjsNodeFolder(project), part), { recursive: true, force: true });
}

/** Whether the package holds the library itself instead of a link to the cache. @param {import('../project.js').Project} project */
export function isInstalledUnlinked(project) {
  const entry = lstatSync(join(tfjsNodeFolder(project), 'lib'), { throwIfNoEntry: false });
  return entry?.isSymbolicLink() === false && existsSync(installedBinding(project));
}

/**
 * @param {string} from
 * @param {string} to
 */
function move(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  try {
    renameSync(from, to);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    rmSync(from, { recursive: true });
  }
}
