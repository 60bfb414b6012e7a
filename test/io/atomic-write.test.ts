import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { requireSameKind, writeFileAtomically } from '../../lib/io/atomic-write.js';
import { scratchFolder } from '../checkpoint/small-model.js';

let after: Promise<void>;

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

  it('removes what a killed process left, not what a running one writes or another made', async () => {
    const folder = scratchFolder();
    const left = 'file.partial-0123456789abcdef';
    writeFileSync(join(folder, left), 'half');
    writeFileSync(join(folder, 'file.lock'), '');
    const others = ['file.partial-of-the-user', 'file.partial-12-1', 'other.partial-0123456789abcdef'];
    for (const name of others) writeFileSync(join(folder, name), 'kept');
    const path = join(folder, 'file');
    await writeFileAtomically(path, async (file) => {
      const second = writeFileAtomically(path, (other) => other.writeFile('second'));
      await file.writeFile('first');
      await Promise.race([second, sleep(100)]);
      expect(readdirSync(folder).filter((name) => /^file.partial-[0-9a-f]{16}$/.test(name))).toHaveLength(1);
      after = second;
    });
    await after;
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(folder).sort()).toEqual(['file', ...others].sort());
  });

  it('writes over a file of its kind alone, where it is asked to', async () => {
    const path = join(scratchFolder(), 'model.gguf');
    await requireSameKind(path, 'a GGUF file', () => false); // nothing there
    writeFileSync(path, '');
    await requireSameKind(path, 'a GGUF file', () => false); // empty
    writeFileSync(path, 'Chapter one');
    const isGguf = (head: Buffer): boolean => head.toString('latin1', 0, 4) === 'GGUF';
    await expect(requireSameKind(path, 'a GGUF file', isGguf)).rejects.toThrow(
      /file in the way must be a GGUF file, got something else.*model\.gguf/,
    );
    writeFileSync(path, 'GGUF and more than sixteen bytes');
    await requireSameKind(path, 'a GGUF file', isGguf);
  });
});
