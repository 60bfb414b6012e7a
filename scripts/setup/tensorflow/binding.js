/**
 * TensorFlow's binding for Node, compiled from the sources in the tfjs-node package against a library: nobody publishes
 * the hash of the compiled one. By one call of the compiler, since node-gyp stumbles over spaces in a path and wants
 * Node's headers.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.js';
import { bindingIn, tfjsNodeFolder } from './library-cache.js';

/** Where the binding looks for the library, from its own place. */
const LINKING = {
  linux: ['-Wl,-rpath,$ORIGIN/../../deps/lib'],
  // Node's own functions are there once it loads the binding.
  darwin: ['-Wl,-rpath,@loader_path/../../deps/lib', '-undefined', 'dynamic_lookup'],
};

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} the C++ compiler
 * @throws {Error} where there is none
 */
export function requireCompiler(env) {
  const compiler = [env.CXX, 'c++', 'g++', 'clang++'].find((name) => name && isProgram(name, env));
  if (compiler) return compiler;
  throw new Error(
    'its binding needs a C++ compiler (Debian and Ubuntu: sudo apt install g++; macOS: xcode-select --install)',
  );
}

/**
 * Compiles the binding into a folder whose deps/ holds library and headers. The headers go then.
 * @param {import('../project.js').Project} project
 * @param {string} partial
 * @param {string} compiler
 * @param {'linux' | 'darwin'} platform
 */
export async function compileBinding(project, partial, compiler, platform) {
  const binding = bindingIn(partial);
  const sources = join(tfjsNodeFolder(project), 'binding');
  mkdirSync(join(binding, '..'), { recursive: true });
  const flags = ['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8', '-w'];
  const headers = [
    join(partial, 'deps', 'include'),
    join(project.nodeModules, 'node-api-headers', 'include'),
  ];
  const files = [join(sources, 'tfjs_backend.cc'), join(sources, 'tfjs_binding.cc'), '-o', binding];
  const library = ['-L', join(partial, 'deps', 'lib'), '-ltensorflow', '-ltensorflow_framework'];
  await runCommand(
    compiler,
    [...flags, ...headers.flatMap((folder) => ['-I', folder]), ...files, ...library, ...LINKING[platform]],
    {
      cwd: project.root,
      env: project.env,
      log: join(project.setupCache, 'tensorflow-binding.log'),
      name: compiler,
    },
  );
  rmSync(join(partial, 'deps', 'include'), { recursive: true });
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
function isProgram(name, env) {
  try {
    execFileSync(name, ['--version'], { env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
