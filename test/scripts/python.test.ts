import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findPython } from '../../scripts/setup/base-python.js';
import { pythonStep } from '../../scripts/setup/python.js';
import type { Project } from '../../scripts/setup/project.js';
import { projectFolder, runAndRead } from './project-folder.js';

const FILES = { 'scripts/requirements.txt': 'nothing==1\n' };
/** Stands where uv and pip would: it installs a module of its own making. */
const installOneModule = async ({ venv }: Project): Promise<void> => {
  writeFileSync(join(venv, 'installed'), '');
};
const step = pythonStep(installOneModule, ['json']);

/** A PATH with one folder that holds nothing but the given programs. */
function pathWith(project: Project, programs: Record<string, string>): NodeJS.ProcessEnv {
  const bin = join(project.root, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return { ...process.env, PATH: bin };
}

describe('findPython', () => {
  test('finds a Python that JupyterLab can use', async () => {
    const { version } = await findPython(process.env);
    expect(Number(version.split('.')[1])).toBeGreaterThanOrEqual(10);
  });

  test('says in one sentence that Python is missing, and what to install', async () => {
    const project = projectFolder(FILES);
    const env = pathWith(project, {});
    const { ready, printed } = await runAndRead([step], { ...project, env });
    expect(ready).toBe(false);
    expect(printed).toContain('Why: JupyterLab needs Python 3.10 or later; none was found on the PATH.');
    expect(printed).toContain('What to do: Install Python');
  });

  test.skipIf(process.platform === 'win32')(
    'names a Python that is too old, and takes a newer one beside it',
    async () => {
      const project = projectFolder(FILES);
      const old = { python3: 'echo 3.9.18', python: 'echo 2.7.18' };
      await expect(findPython(pathWith(project, old))).rejects.toThrow(
        /needs Python 3\.10 or later; found only older ones \(python3 is 3\.9\.18, python is 2\.7\.18\)/,
      );
      const beside = { ...old, 'python3.12': 'echo 3.12.1' };
      await expect(findPython(pathWith(project, beside))).resolves.toEqual({
        command: ['python3.12'],
        version: '3.12.1',
      });
    },
  );
});

describe('pythonStep', () => {
  test('makes .venv once, and anew when the requirements change', async () => {
    const project = projectFolder(FILES);
    expect((await runAndRead([step], project)).ready).toBe(true);
    expect(existsSync(project.python)).toBe(true);

    const left = join(project.venv, 'left from the first time');
    writeFileSync(left, '');
    expect((await runAndRead([step], project)).printed).toMatch(/: ready\n$/);
    expect(existsSync(left)).toBe(true);

    writeFileSync(project.requirements, 'other==2\n');
    expect((await runAndRead([step], project)).ready).toBe(true);
    expect(existsSync(left)).toBe(false);
  });

  test('makes .venv anew after it was killed in the middle of an installation', async () => {
    const project = projectFolder(FILES);
    const half = join(project.venv, 'half-installed');
    const module = (name: string) =>
      JSON.stringify(new URL(`../../scripts/setup/${name}`, import.meta.url).href);
    const program = `
      const { pythonStep } = await import(${module('python.js')});
      const { runSteps } = await import(${module('steps.js')});
      const { projectAt } = await import(${module('project.js')});
      const { writeFileSync } = await import('node:fs');
      const hang = () => { writeFileSync(${JSON.stringify(half)}, ''); return new Promise((r) => setTimeout(r, 60_000)); };
      await runSteps([pythonStep(hang, ['json'])], projectAt(${JSON.stringify(project.root)}));
    `;
    const setUp = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    const ended = once(setUp, 'exit');
    while (!existsSync(half)) await sleep(20);
    setUp.kill('SIGKILL');
    await ended;

    const { ready, printed } = await runAndRead([step], project);
    expect(printed).not.toMatch(/: ready\n$/);
    expect(ready).toBe(true);
    expect(existsSync(half)).toBe(false);
    expect(existsSync(join(project.venv, 'installed'))).toBe(true);
  });

  test('does not count as done when a module is missing after the installation', async () => {
    const project = projectFolder(FILES);
    const faulty = pythonStep(installOneModule, ['a_module_that_is_not_there']);
    const { ready, printed } = await runAndRead([faulty], project);
    expect(ready).toBe(false);
    expect(printed).toContain("No module named 'a_module_that_is_not_there'");
    expect((await runAndRead([faulty], project)).ready).toBe(false);
  });
});
