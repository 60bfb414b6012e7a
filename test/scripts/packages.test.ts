import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isInstalled, packages } from '../../scripts/setup/packages.js';
import { projectFolder, runAndRead } from './project-folder.js';

/** A project with one package that lies in the project itself, so that npm needs no network. */
const FILES = {
  'package.json': JSON.stringify({ name: 'clone', version: '1.0.0', dependencies: { tiny: 'file:tiny' } }),
  'tiny/package.json': JSON.stringify({ name: 'tiny', version: '1.0.0', main: 'index.js' }),
  'tiny/index.js': 'module.exports = 1;',
  'package-lock.json': JSON.stringify({
    name: 'clone',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'clone', version: '1.0.0', dependencies: { tiny: 'file:tiny' } },
      'node_modules/tiny': { resolved: 'tiny', link: true },
      tiny: { version: '1.0.0' },
    },
  }),
};

describe('packages', () => {
  test('installs by npm, and finds nothing to do the second time', async () => {
    const project = projectFolder(FILES);
    expect((await runAndRead([packages], project)).printed).toContain('npm packages: installed');
    expect(existsSync(join(project.nodeModules, 'tiny', 'index.js'))).toBe(true);
    // A file that npm would delete: it stays, since npm does not run again.
    const log = readFileSync(join(project.setupCache, 'packages.log'), 'utf8');
    rmSync(join(project.setupCache, 'packages.log'));
    expect((await runAndRead([packages], project)).printed).toBe('[1/1] npm packages: ready\n');
    expect(existsSync(join(project.setupCache, 'packages.log'))).toBe(false);
    expect(log).not.toBe('');
  });

  test('installs again where an installation was interrupted', async () => {
    const project = projectFolder(FILES);
    await runAndRead([packages], project);
    // npm writes this file last; without it, npm was stopped on the way.
    rmSync(join(project.nodeModules, '.package-lock.json'));
    rmSync(join(project.nodeModules, 'tiny'));
    expect((await runAndRead([packages], project)).printed).toContain('npm packages: installed');
    expect(existsSync(join(project.nodeModules, 'tiny', 'index.js'))).toBe(true);
  });

  test('says which files are at odds when the lock does not fit package.json', async () => {
    const lock = FILES['package-lock.json'].replaceAll('tiny', 'other');
    const { ready, printed } = await runAndRead(
      [packages],
      projectFolder({ ...FILES, 'package-lock.json': lock }),
    );
    expect(ready).toBe(false);
    expect(printed).toMatch(
      /This step failed: npm packages\.\nWhy: package\.json and package-lock\.json do not belong/,
    );
    expect(printed).toMatch(/What to do: .*git checkout.*\nEverything it printed: .*packages\.log/);
  });
});

describe('isInstalled', () => {
  const wanted = { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };

  test('accepts what the lock asks for', () => {
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } })).toBe(true);
  });

  test('rejects a missing package and one of another version', () => {
    expect(isInstalled(wanted, {})).toBe(false);
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-b' } })).toBe(
      false,
    );
  });

  test('does without optional packages: they are for other kinds of machine', () => {
    expect(isInstalled({ 'node_modules/b': { version: '1.0.0', optional: true } }, {})).toBe(true);
  });
});
