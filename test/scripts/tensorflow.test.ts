import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneRoot, projectAt, type Project } from '../../scripts/setup/project.js';
import { retryTensorflow, tensorflowStep, type Route } from '../../scripts/setup/tensorflow.js';
import {
  bindingIn,
  freshPartial,
  keepPartial,
  tfjsNodeFolder,
} from '../../scripts/setup/tensorflow/library-cache.js';
import { projectFolder, runAndRead } from './project-folder.js';

/** A project with all of this one's packages, and a tfjs-node of its own that has no library yet. */
function projectWithoutLibrary(): Project {
  const project = projectFolder();
  const scope = join(project.nodeModules, '@tensorflow');
  mkdirSync(scope, { recursive: true });
  const { nodeModules } = projectAt(cloneRoot);
  for (const name of readdirSync(nodeModules)) {
    if (!name.startsWith('.') && name !== '@tensorflow')
      symlinkSync(join(nodeModules, name), join(project.nodeModules, name));
  }
  for (const name of readdirSync(join(nodeModules, '@tensorflow'))) {
    if (name !== 'tfjs-node') symlinkSync(join(nodeModules, '@tensorflow', name), join(scope, name));
  }
  const source = tfjsNodeFolder(projectAt(cloneRoot));
  const skipped = ['deps', 'lib', 'build-tmp-napi-v8'].map((name) => join(source, name));
  cpSync(source, tfjsNodeFolder(project), { recursive: true, filter: (file) => !skipped.includes(file) });
  return project;
}

const unreachable: Route = () => Promise.reject(new Error('nothing came within 20 s'));

/** A route that puts a file where the library should be. */
const notALibrary: Route = async (project) => {
  const binding = bindingIn(freshPartial(project));
  mkdirSync(dirname(binding), { recursive: true });
  mkdirSync(join(dirname(binding), '..', '..', 'deps'));
  writeFileSync(binding, 'no library');
  keepPartial(project, 'a stand-in');
};

describe('tensorflowStep', () => {
  test('falls back to WebAssembly, says why and what it costs, and does not try again by itself', async () => {
    const project = projectWithoutLibrary();
    const step = tensorflowStep({ 'first way': unreachable, 'second way': notALibrary });
    const { ready, printed } = await runAndRead([step], project);
    expect(ready).toBe(true);
    expect(printed).toContain('TensorFlow: WebAssembly, about 7 times slower');
    expect(printed).toContain('first way: nothing came within 20 s');
    expect(printed).toContain('second way: its library does not load here');
    expect(existsSync(join(tfjsNodeFolder(project), 'lib'))).toBe(false);

    expect((await runAndRead([step], project)).printed).toMatch(
      /^\[1\/1\] TensorFlow: WebAssembly.*npm run setup.*\n$/,
    );
    retryTensorflow(project);
    expect((await runAndRead([step], project)).printed).toContain('first way: nothing came within 20 s');
  });

  test('links the cached library again after npm ci has emptied node_modules', async (context) => {
    const cached = projectAt(cloneRoot).tensorflowCache;
    const names = existsSync(cached) ? readdirSync(cached) : [];
    const library = names.find((name) => existsSync(bindingIn(join(cached, name))));
    if (library === undefined) return context.skip('this machine has no TensorFlow library');
    const project = projectWithoutLibrary();
    mkdirSync(project.tensorflowCache, { recursive: true });
    symlinkSync(join(cached, library), join(project.tensorflowCache, library));
    const step = tensorflowStep({ 'no way': unreachable });
    expect((await runAndRead([step], project)).printed).toContain('TensorFlow: ready again');
    expect((await runAndRead([step], project)).printed).toBe('[1/1] TensorFlow: ready\n');
  });
});
