import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  finishReplacement,
  replaceFolderAtomically,
  writeFileAtomically,
} from '../../lib/io/atomic-write.js';
import { scratchFolder } from '../checkpoint/small-model.js';

/** The number of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('writeFileAtomically', () => {
  it('makes missing folders and leaves the file alone', async () => {
    const path = join(scratchFolder(), 'a', 'b', 'file');
    await writeFileAtomically(path, (file) => file.writeFile('new'));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it('keeps the old file when writing fails', async () => {
    const folder = scratchFolder();
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    const failing = writeFileAtomically(path, async (file) => {
      await file.writeFile('half');
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it.skipIf(process.platform === 'win32')('refuses to take the place of a folder or a device', async () => {
    const folder = scratchFolder();
    // A socket stands for every kind of file that is not plain, and needs no rights to be made.
    const socket = createServer().listen(join(folder, 'socket'));
    await once(socket, 'listening');
    const write = (path: string): Promise<void> => writeFileAtomically(path, (file) => file.writeFile('new'));
    await expect(write(join(folder, 'socket'))).rejects.toThrow(
      /must be a file, or not there yet, got a device/,
    );
    await expect(write(folder)).rejects.toThrow(/got a folder/);
    expect(readdirSync(folder)).toEqual(['socket']);
    socket.close();
  });

  it('lets two writers at the same time each finish whole', async () => {
    const folder = scratchFolder();
    const path = join(folder, 'file');
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => writeFileAtomically(path, (file) => file.writeFile(text))));
    expect(texts).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('removes what a killed process left, not what a running one writes', async () => {
    const folder = scratchFolder();
    const running = `file.partial-${process.ppid}-1`;
    writeFileSync(join(folder, `file.partial-${endedProcess()}-1`), 'half');
    writeFileSync(join(folder, running), 'half');
    writeFileSync(join(folder, 'file.partial-of-the-user'), 'kept');
    await writeFileAtomically(join(folder, 'file'), (file) => file.writeFile('new'));
    expect(readdirSync(folder).sort()).toEqual(['file', 'file.partial-of-the-user', running].sort());
  });
});

describe('replaceFolderAtomically', () => {
  const fill =
    (text: string) =>
    (folder: string): Promise<void> =>
      writeFileAtomically(join(folder, text), (file) => file.writeFile(text));

  it('puts the new folder in the place of the old one', async () => {
    const parent = scratchFolder();
    const folder = join(parent, 'model');
    await replaceFolderAtomically(folder, fill('one'));
    await replaceFolderAtomically(folder, fill('two'));
    expect(readdirSync(folder)).toEqual(['two']);
    expect(readdirSync(parent)).toEqual(['model']);
  });

  it('keeps the old folder when filling fails', async () => {
    const parent = scratchFolder();
    const folder = join(parent, 'model');
    await replaceFolderAtomically(folder, fill('one'));
    const failing = replaceFolderAtomically(folder, async (partial) => {
      await fill('half')(partial);
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readdirSync(folder)).toEqual(['one']);
    expect(readdirSync(parent)).toEqual(['model']);
  });

  it('is mended after a kill at each of its steps', async () => {
    // The states between the renames, as a kill would leave them, and the version that has to come out.
    const states: [files: string[], expected: string][] = [
      [['model', 'model.replacing-new'], 'model'],
      [['model.replacing-new', 'model.replaced-old'], 'model.replacing-new'],
      [['model', 'model.replaced-old'], 'model'],
      [['model.replacing-new'], 'model.replacing-new'],
      [['model.replaced-old'], 'model.replaced-old'],
    ];
    for (const [folders, expected] of states) {
      const parent = scratchFolder();
      for (const name of folders) {
        mkdirSync(join(parent, name));
        writeFileSync(join(parent, name, name), '');
      }
      await finishReplacement(join(parent, 'model'));
      expect(readdirSync(parent)).toEqual(['model']);
      expect(readdirSync(join(parent, 'model'))).toEqual([expected]);
    }
  });

  it('does nothing where nothing was cut off', async () => {
    const parent = scratchFolder();
    await finishReplacement(join(parent, 'model'));
    expect(existsSync(join(parent, 'model'))).toBe(false);
    mkdirSync(join(parent, 'other'));
    renameSync(join(parent, 'other'), join(parent, 'model'));
    await finishReplacement(join(parent, 'model'));
    expect(readdirSync(parent)).toEqual(['model']);
  });
});
