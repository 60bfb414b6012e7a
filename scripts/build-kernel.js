/**
 * `npm run build:kernel`: compiles lib/kernel/assembly/ to lib/dist/kernel/{relaxed,simd}.wasm. Does nothing where the
 * outputs were made of the same sources by the same compiler.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const COMMON_OPTIONS = [
  ['--optimizeLevel', '3'],
  ['--shrinkLevel', '0'],
  ['--noAssert'],
  ['--runtime', 'stub'],
  ['--importMemory'],
  ['--sharedMemory'],
  ['--initialMemory', '1'],
  ['--maximumMemory', '65536'],
].flat();

/** The two builds and the WebAssembly features each asks of the engine. */
const BUILDS = { relaxed: 'simd,relaxed-simd,threads', simd: 'simd,threads' };

/** @param {string} kernel the folder lib/kernel */
async function sourceFiles(kernel) {
  const assembly = await readdir(join(kernel, 'assembly'));
  const sources = assembly
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(kernel, 'assembly', name));
  return [join(kernel, 'layout.ts'), ...sources.toSorted()];
}

/**
 * @param {string} compiler the folder of the AssemblyScript package
 * @param {string[]} files
 */
async function fingerprint(compiler, files) {
  const hash = createHash('sha256').update(JSON.stringify([COMMON_OPTIONS, BUILDS]));
  for (const file of [join(compiler, 'package.json'), ...files]) hash.update(await readFile(file));
  return hash.digest('hex');
}

/**
 * Compiles what is not up to date.
 * @param {string} [project] the project's folder
 * @returns {Promise<boolean>} whether anything was compiled
 */
export async function buildKernel(project = root) {
  const kernel = join(project, 'lib', 'kernel');
  const target = join(project, 'lib', 'dist', 'kernel');
  const compiler = join(project, 'node_modules', 'assemblyscript');
  const stamp = join(target, 'kernel.sha256');
  const expected = await fingerprint(compiler, await sourceFiles(kernel));
  const names = Object.keys(BUILDS).map((name) => `${name}.wasm`);
  const [current, present] = await Promise.all([
    readFile(stamp, 'utf8').catch(() => ''),
    readdir(target).catch(() => /** @type {string[]} */ ([])),
  ]);
  if (current === expected && names.every((name) => present.includes(name))) return false;

  const { default: asc } = await import(pathToFileURL(join(compiler, 'dist', 'asc.js')).href);
  await mkdir(target, { recursive: true });
  await rm(stamp, { force: true });
  for (const [name, features] of Object.entries(BUILDS)) {
    const partial = `${name}.wasm.partial-${randomUUID()}`;
    const { error, stderr } = await asc.main([
      join('lib', 'kernel', 'assembly', 'index.ts'),
      '--outFile',
      join('lib', 'dist', 'kernel', partial),
      '--enable',
      features,
      '--baseDir',
      project,
      ...COMMON_OPTIONS,
    ]);
    if (error) {
      await rm(join(target, partial), { force: true });
      throw new Error(`compile kernel: lib/kernel/assembly does not compile.\n${String(stderr)}`);
    }
    await rename(join(target, partial), join(target, `${name}.wasm`));
  }
  await writeFile(stamp, expected);
  return true;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const compiled = await buildKernel();
  console.log(compiled ? 'Kernel compiled: lib/dist/kernel/{relaxed,simd}.wasm' : 'Kernel up to date.');
}
