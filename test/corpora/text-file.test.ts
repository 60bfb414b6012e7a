import type { CharacterTokenizer } from '../../lib/corpora/characters.js';
import { createHash } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, openTextFile } from '../../lib/corpora/text-file.js';
import { anyText } from '../any-text.js';
import { temporaryFolder } from '../temporary-folder.js';

async function fileOf(bytes: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'mine.txt');
  await writeFile(path, bytes);
  return path;
}

describe('openTextFile', () => {
  it('opens UTF-8 text, named after its file, with the hash of its bytes', async () => {
    const text = 'Ein Text mit Umlauten: äöüß. 🌊\r\n';
    const corpus = await openTextFile(await fileOf(text));
    expect(corpus.name).toBe('mine.txt');
    expect(corpus.source).toContain('mine.txt');
    expect(corpus.hash).toBe(createHash('sha256').update(text).digest('hex'));
    expect(corpus.trainingTokens + corpus.validationTokens).toBe(Array.from(text).length);
    expect((corpus.tokenizer as CharacterTokenizer).vocabulary).toContain('\r');
  });

  it('leaves a byte order mark out', async () => {
    const corpus = await openTextFile(await fileOf('\ufeffaaaaaaaaaabbbbbbbbbb'));
    expect((corpus.tokenizer as CharacterTokenizer).vocabulary).toEqual(['a', 'b']);
  });

  it('says which byte is not UTF-8', async () => {
    const latin1 = Buffer.from('a text in Latin-1: caf\xe9 is not UTF-8', 'latin1');
    await expect(openTextFile(await fileOf(latin1))).rejects.toThrow(
      /mine\.txt: must be UTF-8, got a byte that cannot be at offset 23\. Save it as UTF-8/,
    );
  });

  it('rejects empty and too short files', async () => {
    await expect(openTextFile(await fileOf(''))).rejects.toThrow(
      /mine\.txt: must have text in it, got an empty file/,
    );
    await expect(openTextFile(await fileOf('short'))).rejects.toThrow(/at least 20 characters, got 5/);
  });

  it('rejects a missing file, a folder, and a file beyond 256 MB, without reading it', async () => {
    const folder = await temporaryFolder();
    await expect(openTextFile(join(folder, 'none.txt'))).rejects.toThrow(
      /must be there, got ENOENT in .*none\.txt/,
    );
    await mkdir(join(folder, 'folder'));
    await expect(openTextFile(join(folder, 'folder'))).rejects.toThrow(
      /must be a file, got a folder in .*folder/,
    );
    const huge = join(folder, 'huge.txt');
    await writeFile(huge, '');
    await truncate(huge, 2 ** 28 + 1);
    await expect(openTextFile(huge)).rejects.toThrow(/at most 268435456 bytes, got 268435457/);
  });
});

describe('decodeText', () => {
  it('names the first byte with which the bytes stop being UTF-8, wherever it is', () => {
    const text = anyText({ maxLength: 40 });
    const badByte = fc.constantFrom(0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), text, badByte, text, (padding, before, bad, after) => {
        const start = Buffer.concat([Buffer.alloc(padding, 'a'), Buffer.from(before)]);
        const bytes = Buffer.concat([start, Buffer.from([bad]), Buffer.from(after)]);
        expect(() => decodeText(bytes, 'file')).toThrow(`offset ${start.length}.`);
      }),
      { numRuns: 40 },
    );
  });

  it('names the end of bytes that stop inside a character', () => {
    expect(() => decodeText(Buffer.from('aé').subarray(0, 2), 'file')).toThrow('offset 2.');
    expect(() => decodeText(Buffer.from([0xf0, 0x9f, 0x8c]), 'file')).toThrow('offset 3.');
  });
});
