/**
 * TensorFlow from its Python wheel, where the official download cannot be reached: the wheel carries the same
 * library, and the binding is compiled against it.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.js';
import { SetupError } from '../setup-error.js';
import { compileBinding, requireCompiler } from './binding.js';
import { requirePublished, sha256Of } from '../fetch-verified.js';
import { freshPartial, keepPartial } from './library-cache.js';

/** The wheel whose library is known to work with tfjs-node 4.22. */
const WHEEL = {
  requirement: 'tensorflow-cpu==2.18.1',
  pythonTag: '311',
  platform: 'manylinux_2_17_x86_64',
  file: 'tensorflow_cpu-2.18.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
  /** The wheel itself and 0.7 GB unpacked. */
  neededBytes: 1.1e9,
  sha256: '810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298',
};

/** Takes out of the wheel what is wanted: two libraries and the C interface's headers. Arguments: wheel, folder. */
const UNPACK = `
import shutil, sys, zipfile
from pathlib import Path
wheel, folder = sys.argv[1:]
headers = tuple('tensorflow/include/' + name for name in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'))
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name in ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'):
            target = Path(folder, 'deps', 'lib', Path(name).name)
        elif name.startswith(headers) and name.endswith('.h'):
            target = Path(folder, 'deps', 'include', name.removeprefix('tensorflow/include/'))
        else:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, open(target, 'wb') as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
`;

/**
 * @param {import('../project.js').Project} project
 * @param {(detail: string) => void} report
 */
export async function wheelRoute(project, report) {
  const compiler = requireWheelMachine(project);
  const wheel = await fetchWheel(project, WHEEL, report);
  const partial = freshPartial(project);
  const log = (/** @type {string} */ name) => join(project.setupCache, `tensorflow-${name}.log`);

  report('unpacking the library');
  await runCommand(project.python, ['-c', UNPACK, wheel, partial], {
    cwd: project.root,
    env: project.env,
    log: log('unpack'),
    name: 'unpacking the wheel',
  });
  // The names that the binding is linked by.
  const library = join(partial, 'deps', 'lib');
  symlinkSync('libtensorflow_cc.so.2', join(library, 'libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', join(library, 'libtensorflow_framework.so'));

  report('compiling the binding');
  await compileBinding(project, partial, compiler, 'linux');
  keepPartial(project, `the library of ${WHEEL.requirement}`);
  rmSync(wheel);
}

/**
 * @param {import('../project.js').Project} project
 * @returns {string} the C++ compiler
 * @throws {Error} where the wheel is of no use
 */
function requireWheelMachine({ env }) {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  if (
    process.platform !== 'linux' ||
    process.arch !== 'x64' ||
    report.header.glibcVersionRuntime === undefined
  ) {
    throw new Error(
      `the wheel is for Linux with glibc on x64, this is ${process.platform} on ${process.arch}`,
    );
  }
  return requireCompiler(env);
}

/**
 * The wheel on disk with its published content: from an earlier start, or by pip.
 * @param {import('../project.js').Project} project
 * @param {typeof WHEEL} wanted
 * @param {(detail: string) => void} report
 * @returns {Promise<string>} its path
 * @throws {SetupError} when what came is not the published file, or the disk is too full
 */
export async function fetchWheel(project, wanted, report) {
  const { tensorflowCache } = project;
  const wheel = join(tensorflowCache, wanted.file);
  if (existsSync(wheel)) {
    report('checking the downloaded library');
    if ((await sha256Of(wheel)) === wanted.sha256) return wheel;
    rmSync(wheel);
  }
  mkdirSync(tensorflowCache, { recursive: true });
  requireFreeDisk(tensorflowCache, wanted.neededBytes);

  const partial = join(tensorflowCache, 'download.partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  await downloadByPip(project, wanted, partial, report);
  const actual = await sha256Of(join(partial, wanted.file));
  if (actual !== wanted.sha256) rmSync(partial, { recursive: true });
  requirePublished(wanted.file, actual, [wanted.sha256]);
  renameSync(join(partial, wanted.file), wheel);
  rmSync(partial, { recursive: true });
  return wheel;
}

/**
 * @param {import('../project.js').Project} project
 * @param {typeof WHEEL} wanted
 * @param {string} folder where the wheel is to come
 * @param {(detail: string) => void} report
 */
async function downloadByPip({ setupCache, root, python, env }, wanted, folder, report) {
  report('downloading the library');
  const how = [
    '--progress-bar=raw',
    '--no-cache-dir',
    '--no-deps',
    '--only-binary=:all:',
    `--dest=${folder}`,
  ];
  const { requirement, pythonTag, platform } = wanted;
  const which = [
    `--python-version=${pythonTag}`,
    `--abi=cp${pythonTag}`,
    `--platform=${platform}`,
    requirement,
  ];
  await runCommand(
    python,
    [
      '-m',
      'pip',
      'download',
      '--disable-pip-version-check',
      '--no-input',
      '--implementation=cp',
      ...how,
      ...which,
    ],
    {
      cwd: root,
      // pip's own temporary copy belongs on the same disk.
      env: { ...env, TMPDIR: folder },
      log: join(setupCache, 'tensorflow-wheel.log'),
      name: 'pip download',
      onLine: (line) => {
        const [, got, all] = /^Progress (\d+) of (\d+)/.exec(line) ?? [];
        if (got !== undefined) report(`downloading the library, ${megabytes(got)} of ${megabytes(all)} MB`);
      },
    },
  );
}

/** @param {string} bytes */
function megabytes(bytes) {
  return Math.round(Number(bytes) / 1e6);
}

/**
 * @param {string} folder
 * @param {number} neededBytes
 */
function requireFreeDisk(folder, neededBytes) {
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const gigabytes = (/** @type {number} */ bytes) => (bytes / 1e9).toFixed(1);
  throw new SetupError(
    `TensorFlow's library needs ${gigabytes(neededBytes)} GB of disk for a moment, ${gigabytes(freeBytes)} GB are free.`,
    'Free some and run the command again; it goes on where it stopped.',
  );
}
