import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tryLock } from '../../lib/io/lock.js';
import {
  mendReplacement,
  readReplaced,
  replaceFolder,
  type FolderKind,
} from '../../lib/io/replace-folder.js';
import { temporaryFolder } from '../temporary-folder.js';

const OWN: FolderKind = {
  operation: 'save letters',
  kind: 'a folder of letters',
  files: ['a', 'b', 'c'],
  isOne: (folder) =>
    Promise.resolve(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8') !== 'foreign'),
};

const fill =
  (name: string) =>
  (folder: string): Promise<void> => {
    writeFileSync(join(folder, name), name);
    return Promise.resolve();
  };

function make(folder: string, ...names: string[]): string {
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), name);
  return folder;
}

/** All files under a folder, with their texts. */
function everything(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? readFileSync(path, 'utf8') : 'folder or link'];
    }),
  );
}

describe('replaceFolder', () => {
  it('puts the new folder in the place of an earlier one, an empty one or none, and leaves nothing else', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'deep', 'letters');
    await replaceFolder(folder, { own: OWN }, fill('a'));
    await replaceFolder(folder, { own: OWN }, fill('b'));
    expect(readdirSync(folder)).toEqual(['b']);
    rmSync(join(folder, 'b'));
    await replaceFolder(folder, { own: OWN }, fill('c'));
    expect(readdirSync(folder)).toEqual(['c']);
    expect(readdirSync(dirname(folder))).toEqual(['letters']);
  });

  it('keeps the old folder when filling fails', async () => {
    const parent = await temporaryFolder();
    const folder = make(join(parent, 'letters'), 'a');
    const failing = replaceFolder(folder, { own: OWN }, async (partial) => {
      await fill('b')(partial);
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readdirSync(folder)).toEqual(['a']);
    expect(readdirSync(parent)).toEqual(['letters']);
  });

  it('refuses, by name, whatever is not its own, and changes nothing', async () => {
    const home = await temporaryFolder();
    const place = (name: string): string => join(home, name);
    make(place('thesis'), 'a', 'thesis.docx');
    make(join(place('folders'), 'b'));
    make(place('other kind'), 'a');
    writeFileSync(join(place('other kind'), 'a'), 'foreign');
    writeFileSync(place('file'), 'mine');
    make(join(place('parent'), 'source'), 'a');
    symlinkSync(place('parent'), place('link'));
    symlinkSync(place('nowhere'), place('dangling'));
    make(join(place('beside'), 'letters'), 'a');
    make(join(place('beside'), 'letters.replaced-old'), 'diary');
    make(join(place('beside'), 'new.partial-0123456789abcdef'), 'diary');
    const before = everything(home);
    const keep = [join(place('parent'), 'source')];
    for (const [folder, found] of [
      [place('thesis'), /got one that holds "thesis\.docx" in .*Name another folder/],
      [place('folders'), /holds "b\/"/],
      [place('other kind'), /got another one, with "a"/],
      [place('file'), /got a file/],
      [place('parent'), /got a folder that the source lies in/],
      [keep[0], /got the source/],
      [place('link'), /got a folder that the source lies in/],
      [join(place('beside'), 'letters'), /letters\.replaced-old|diary/],
      [join(place('beside'), 'new'), /holds "diary"/],
      [process.cwd(), /got the working folder/],
      [dirname(process.cwd()), /got a folder that the working folder lies in/],
      [homedir(), /got (?:the home folder|a folder that the working folder lies in)/],
      ['.', /got the working folder/],
      ['/', /lies in/],
    ] as const) {
      const filled = vi.fn<(folder: string) => Promise<void>>(fill('a'));
      await expect(replaceFolder(folder, { own: OWN, keep }, filled), folder).rejects.toThrow(found);
      expect(everything(home)).toEqual(before);
      expect(filled).not.toHaveBeenCalled();
    }
    await expect(replaceFolder(place('dangling'), { own: OWN }, fill('a'))).rejects.toThrow(/ENOENT/);
  });

  it('refuses what somebody puts there while it fills the new folder', async () => {
    const parent = await temporaryFolder();
    const folder = make(join(parent, 'letters'), 'a');
    const saving = replaceFolder(folder, { own: OWN }, async (partial) => {
      await fill('b')(partial);
      writeFileSync(join(folder, 'notes.txt'), 'mine');
    });
    await expect(saving).rejects.toThrow(/holds "notes\.txt"/);
    expect(readdirSync(folder).sort()).toEqual(['a', 'notes.txt']);
    expect(readdirSync(parent)).toEqual(['letters']);
  });

  it('replaces what a link leads to, and the link stays', async () => {
    const parent = await temporaryFolder();
    const folder = make(join(parent, 'letters'), 'a');
    symlinkSync(folder, join(parent, 'link'));
    await replaceFolder(join(parent, 'link'), { own: OWN }, fill('b'));
    expect(readdirSync(folder)).toEqual(['b']);
    expect(readdirSync(parent).sort()).toEqual(['letters', 'link']);
  });

  it('lets two writers of one place come one after the other', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'letters');
    let writing = 0;
    const slowly = async (partial: string): Promise<void> => {
      expect(++writing).toBe(1);
      await sleep(20);
      await fill('a')(partial);
      writing--;
    };
    await Promise.all([1, 2, 3].map(() => replaceFolder(folder, { own: OWN }, slowly)));
    expect(readdirSync(parent)).toEqual(['letters']);
  });

  it('removes what a killed writer left', async () => {
    const parent = await temporaryFolder();
    make(join(parent, 'letters.partial-0123456789abcdef'), 'a', 'b.partial-0123456789abcdef', 'b.lock');
    writeFileSync(join(parent, 'letters.lock'), '13\n');
    await replaceFolder(join(parent, 'letters'), { own: OWN }, fill('a'));
    expect(readdirSync(parent)).toEqual(['letters']);
  });
});

describe('mendReplacement', () => {
  it('mends a kill at each step of a replacement', async () => {
    // The states between the renames, as a kill would leave them, and the version that has to come out.
    const states: [folders: Record<string, string>, expected: string][] = [
      [{ '': 'a', '.replacing-new': 'b' }, 'a'],
      [{ '.replacing-new': 'b', '.replaced-old': 'c' }, 'b'],
      [{ '': 'a', '.replaced-old': 'c' }, 'a'],
      [{ '.replacing-new': 'b' }, 'b'],
      [{ '.replaced-old': 'c' }, 'c'],
      [{ '': 'a' }, 'a'],
    ];
    for (const [folders, expected] of states) {
      const parent = await temporaryFolder();
      const folder = join(parent, 'letters');
      for (const [suffix, file] of Object.entries(folders)) make(`${folder}${suffix}`, file);
      await mendReplacement(folder, OWN);
      expect(readdirSync(parent)).toEqual(['letters']);
      expect(readdirSync(folder)).toEqual([expected]);
    }
  });
});

describe('readReplaced', () => {
  const read = (folder: string) => () =>
    Promise.resolve(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8'));

  it('waits for a writer that is between its two renames, and touches nothing meanwhile', async () => {
    const folder = join(await temporaryFolder(), 'letters');
    const lock = await tryLock(`${folder}.lock`);
    onTestFinished(() => lock!.release());
    make(`${folder}.replacing-new`, 'b');
    make(`${folder}.replaced-old`, 'a');
    const found = readReplaced(folder, read(folder));
    await sleep(200);
    expect(existsSync(folder)).toBe(false);
    expect(
      readdirSync(dirname(folder))
        .map((name) => name.replace(basename(folder), ''))
        .sort(),
    ).toEqual(['.lock', '.replaced-old', '.replacing-new']);
    renameSync(`${folder}.replacing-new`, folder);
    expect(await found).toBe('b');
  });

  it('brings back what a killed writer left between its two renames', async () => {
    const folder = join(await temporaryFolder(), 'letters');
    make(`${folder}.replacing-new`, 'b');
    make(`${folder}.replaced-old`, 'a');
    expect(await readReplaced(folder, read(folder))).toBe('b');
  });

  it('says at once what is missing where nothing is being replaced', async () => {
    const folder = join(await temporaryFolder(), 'letters');
    const reading = vi.fn<() => Promise<string>>(read(folder));
    await expect(readReplaced(folder, reading)).rejects.toThrow('ENOENT');
    expect(reading).toHaveBeenCalledTimes(1);
  });
});
