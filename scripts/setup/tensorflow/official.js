/**
 * TensorFlow's own library, as its makers publish it for Linux, macOS and Windows.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { runCommand } from '../command.js';
import { compileBinding, requireCompiler } from './binding.js';
import { fetchVerified } from '../fetch-verified.js';
import {
  adoptInstalled,
  freshPartial,
  keepPartial,
  tfjsNodeFolder,
  unlinkFromPackage,
} from './library-cache.js';

const HOST = 'https://storage.googleapis.com/';
const RELEASE = `${HOST}tensorflow/libtensorflow/libtensorflow-cpu`;

/** What tfjs-node 4.22 takes on each kind of machine. */
export const LIBRARIES = {
  'linux-x64': {
    url: `${RELEASE}-linux-x86_64-2.9.1.tar.gz`,
    sha256: '7f510d2546e3db5e10b1d119463689003d587842892ad3c95bca51cf82820173',
  },
  'linux-arm64': {
    url: `${HOST}tf-builds/libtensorflow_r2_7_linux_arm64.tar.gz`,
    sha256: '9395d1ff39f5b6847f5121e679ff4e599dc7061a2a7f87ceac061c78e908e6e3',
  },
  'darwin-x64': {
    url: `${RELEASE}-darwin-x86_64-2.9.1.tar.gz`,
    sha256: '56f83d3320ba0f69aaafd6c058645e1b7fbc75fb9a3fc36d6be98de1291ca226',
  },
  'darwin-arm64': {
    url: `${HOST}tf-builds/libtensorflow_r2_7_darwin_arm64_cpu.tar.gz`,
    sha256: '13ab22b97e2af06e431aaeb7b42fb89981965dd01aa16da035d8210aa4183d79',
  },
  'win32-x64': {
    url: `${RELEASE}-windows-x86_64-2.9.1.zip`,
    sha256: '56fa7e84c984144311563b405bd0e565568f3cbe2c15ac4713e9c8174a02b00f',
  },
};

/** Set to 1, it lets the one file be fetched whose content nobody vouches for; without it nothing of this route is. */
const UNVERIFIED = 'BITNET_UNVERIFIED_BINDING';

/**
 * @param {import('../project.js').Project} project
 * @param {(detail: string) => void} report
 * @param {Readonly<Record<string, { url: string, sha256: string }>>} [libraries]
 */
export async function officialRoute(project, report, libraries = LIBRARIES) {
  const machine = `${process.platform}-${process.arch}`;
  const wanted = libraries[machine];
  if (wanted === undefined) throw new Error(`there is none for ${machine}`);
  const isWindows = process.platform === 'win32';
  if (isWindows && project.env[UNVERIFIED] !== '1') {
    throw new Error(
      `tfjs-node's compiled binding has no published hash; set ${UNVERIFIED}=1 to fetch it all the same`,
    );
  }
  const compiler = isWindows ? '' : requireCompiler(project.env);
  const archive = join(project.tensorflowCache, basename(wanted.url));
  await fetchVerified(wanted.url, archive, [wanted.sha256], (bytes) =>
    report(`official download, ${Math.round(bytes / 1e6)} MB`),
  );
  report('unpacking the library');
  if (isWindows) {
    await installOnWindows(project, archive);
  } else {
    const partial = freshPartial(project);
    await unpack(project, archive, join(partial, 'deps'));
    report('compiling the binding');
    await compileBinding(project, partial, compiler, /** @type {'linux' | 'darwin'} */ (process.platform));
    keepPartial(project, 'its official download');
  }
  rmSync(archive);
}

/**
 * @param {import('../project.js').Project} project
 * @param {string} archive
 * @param {string} folder
 */
async function unpack({ root, env, setupCache }, archive, folder) {
  mkdirSync(folder, { recursive: true });
  // Windows' own tar reads zip files, too.
  await runCommand('tar', ['-xf', archive, '-C', folder], {
    cwd: root,
    env,
    log: join(setupCache, 'tensorflow-unpack.log'),
    name: 'tar',
  });
}

/**
 * The library in its place, and the binding by tfjs-node's install script, which finds it there. Few people have a
 * compiler on Windows, so the compiled binding is fetched: the one file without a published hash, and only where the reader asks for it.
 * @param {import('../project.js').Project} project
 * @param {string} archive
 */
async function installOnWindows(project, archive) {
  const folder = tfjsNodeFolder(project);
  unlinkFromPackage(project);
  // Left by the other route, it would send the script to a library that is not there.
  rmSync(join(folder, 'scripts', 'custom-binary.json'), { force: true });
  const deps = join(folder, 'deps');
  await unpack(project, archive, deps);
  const [found, place] = [join(deps, 'tensorflow.dll'), join(deps, 'lib', 'tensorflow.dll')];
  if (!existsSync(place)) {
    mkdirSync(join(deps, 'lib'), { recursive: true });
    renameSync(found, place);
  }
  await runCommand(process.execPath, [join('scripts', 'install.js')], {
    cwd: folder,
    env: { ...project.env, PATH: [join(project.nodeModules, '.bin'), project.env.PATH].join(delimiter) },
    log: join(project.setupCache, 'tensorflow-official.log'),
    name: "tfjs-node's install script",
  });
  adoptInstalled(project, 'its official download');
}
