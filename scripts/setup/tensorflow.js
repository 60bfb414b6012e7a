/**
 * The backend that training runs on: TensorFlow's own library where it can be had, else TensorFlow.js's WebAssembly
 * kernels, which need nothing but cost time.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, isDiskFull } from './setup-error.js';
import {
  adoptInstalled,
  cachedRoute,
  installedBinding,
  isCached,
  isInstalledUnlinked,
  libraryFolder,
  linkIntoPackage,
  tfjsNodeVersion,
  unlinkFromPackage,
} from './tensorflow/library-cache.js';
import { officialRoute } from './tensorflow/official.js';
import { verifyBackend } from './tensorflow/verify.js';
import { wheelRoute } from './tensorflow/wheel.js';
import { readJson, writeJson } from './written-whole.js';

/**
 * A way to the library; it ends with the library in the cache, or throws.
 * @typedef {(project: import('./project.js').Project, report: (detail: string) => void) => Promise<void>} Route
 */

const WASM_NOTE =
  'WebAssembly, about 7 times slower; larger models are out of its reach. `npm run setup` tries for TensorFlow again';

/**
 * The step, with the ways to the library in the order in which they are tried.
 * @param {Record<string, Route>} [routes]
 * @returns {import('./steps.js').Step}
 */
export function tensorflowStep(routes = { 'official download': officialRoute, 'Python wheel': wheelRoute }) {
  return {
    title: 'TensorFlow',
    doing: 'looking for the library',

    async done(project) {
      const stamp = readJson(stampFile(project));
      if (stamp?.for !== machine(project)) return undefined;
      if (stamp.backend === 'wasm') return WASM_NOTE;
      return existsSync(installedBinding(project)) ? 'ready' : undefined;
    },

    async run(project, report) {
      if (isInstalledUnlinked(project) && (await fault(project)) === undefined)
        adoptInstalled(project, 'an installation');
      if (isCached(project)) {
        if (await settle(project, report)) return `ready again, by ${cachedRoute(project)}`;
        rmSync(libraryFolder(project), { recursive: true });
      }
      /** @type {string[]} */
      const failures = [];
      for (const [name, route] of Object.entries(routes)) {
        report(name);
        try {
          await route(project, report);
          if (await settle(project, report)) return `ready, by ${cachedRoute(project)}`;
          failures.push(`${name}: its library does not load here`);
          rmSync(libraryFolder(project), { recursive: true });
        } catch (error) {
          if (error instanceof SetupError || isDiskFull(error)) throw error;
          failures.push(`${name}: ${lastWords(error)}`);
        }
      }
      unlinkFromPackage(project);
      report('checking the WebAssembly backend');
      await verifyBackend(project, 'wasm');
      writeJson(stampFile(project), { for: machine(project), backend: 'wasm', failures });
      return `${WASM_NOTE}.\n${failures.map((failure) => `      ${failure}`).join('\n')}\n     `;
    },
  };
}

/** Forgets that only WebAssembly was to be had, so that the next set-up tries again. @param {import('./project.js').Project} project */
export function retryTensorflow(project) {
  if (readJson(stampFile(project))?.backend === 'wasm') rmSync(stampFile(project));
}

/**
 * Links the cached library into the package and proves that it computes.
 * @param {import('./project.js').Project} project
 * @param {(detail: string) => void} report
 */
async function settle(project, report) {
  report('checking the library');
  linkIntoPackage(project);
  const problem = await fault(project);
  if (problem !== undefined) return false;
  writeJson(stampFile(project), { for: machine(project), backend: 'tensorflow' });
  return true;
}

/** @param {import('./project.js').Project} project */
async function fault(project) {
  try {
    await verifyBackend(project, 'tensorflow');
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What the library was proven on; a newer Node proves it again. @param {import('./project.js').Project} project */
function machine(project) {
  const [major] = process.versions.node.split('.');
  return `tfjs-node ${tfjsNodeVersion(project)}, Node ${major}, ${process.platform}, ${process.arch}`;
}

/** @param {import('./project.js').Project} project */
function stampFile({ tensorflowCache }) {
  return join(tensorflowCache, 'ready.json');
}

/** The telling line of a fault. @param {unknown} error */
function lastWords(error) {
  const { message, output } = /** @type {{ message: string, output?: string }} */ (error);
  const lines = (output ?? '').split('\n');
  const telling = lines.find((line) => /error|E[A-Z]{5,}/i.test(line)) ?? '';
  return telling === '' ? message : `${message} (${telling.trim().slice(0, 200)})`;
}
