/**
 * TensorFlow by the tfjs-node package's own install script: it downloads the library for Linux, macOS or Windows.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from '../command.js';
import { adoptInstalled, tfjsNodeFolder, unlinkFromPackage } from './library-cache.js';

/** A host that answers sends its first bytes well within this time. */
const FIRST_BYTES_SECONDS = 20;
/** The whole of it, where the binding has to be compiled too. */
const LIMIT_SECONDS = 900;

/**
 * @param {import('../project.js').Project} project
 * @param {(detail: string) => void} report
 */
export async function officialRoute(project, report) {
  const folder = tfjsNodeFolder(project);
  unlinkFromPackage(project);
  // Left by the other route, it would send the script to a library that is not there.
  rmSync(join(folder, 'scripts', 'custom-binary.json'), { force: true });
  const started = Date.now();
  await runCommand(process.execPath, [join('scripts', 'install.js')], {
    cwd: folder,
    env: { ...project.env, PATH: [join(project.nodeModules, '.bin'), project.env.PATH].join(delimiter) },
    log: join(project.setupCache, 'tensorflow-official.log'),
    name: "tfjs-node's install script",
    giveUp: () => {
      const seconds = (Date.now() - started) / 1000;
      const bytes = folderBytes(join(folder, 'deps'));
      report(`official download, ${Math.round(bytes / 1e6)} MB unpacked`);
      if (bytes === 0 && seconds > FIRST_BYTES_SECONDS) return `nothing came within ${FIRST_BYTES_SECONDS} s`;
      if (seconds > LIMIT_SECONDS) return `not done within ${LIMIT_SECONDS} s`;
      return undefined;
    },
  });
  adoptInstalled(project, 'its official download');
}

/** @param {string} folder */
function folderBytes(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      // `path` is the name that Node before 20.12 gives it.
      if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size;
    }
  } catch {
    // A file that is renamed meanwhile is counted the next time.
  }
  return bytes;
}
