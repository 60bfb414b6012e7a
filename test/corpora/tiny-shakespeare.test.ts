import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openCorpus } from '../../lib/corpora/open-corpus.js';
import type { CharacterTokenizer } from '../../lib/corpora/characters.js';
import { openTinyShakespeare, TINY_SHAKESPEARE } from '../../lib/corpora/tiny-shakespeare.js';
import { refusedUrl, startServer } from '../local-server.js';
import { temporaryFolder } from '../temporary-folder.js';

const chosenFolder = process.env.BITNET_DATA_DIR;
const real = join(chosenFolder ?? '', 'tiny-shakespeare.txt');
const hasFile = chosenFolder !== undefined && existsSync(real);

afterEach(() => {
  if (chosenFolder === undefined) delete process.env.BITNET_DATA_DIR;
  else process.env.BITNET_DATA_DIR = chosenFolder;
});

// Skipped where BITNET_DATA_DIR names no folder with the text.
describe.skipIf(!hasFile)('openTinyShakespeare with the text in BITNET_DATA_DIR', () => {
  it('finds it in BITNET_DATA_DIR', async () => {
    const corpus = await openTinyShakespeare();
    expect(corpus.name).toBe('tiny-shakespeare');
    expect(corpus.source).toBe(`Tiny Shakespeare from ${real}`);
    expect(corpus.hash).toBe(TINY_SHAKESPEARE.sha256);
    // The figures that nanoGPT's data/shakespeare_char/readme.md gives.
    expect([corpus.vocabSize, corpus.trainingTokens, corpus.validationTokens]).toEqual([
      65, 1_003_854, 111_540,
    ]);
    expect((corpus.tokenizer as CharacterTokenizer).vocabulary.join('')).toBe(
      "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    );
  });

  it('cuts training and validation where nanoGPT does', async () => {
    const corpus = await openTinyShakespeare();
    const text = await readFile(real, 'utf8');
    const { inputs, targets } = corpus.validationWindows(1, 111_539);
    expect(corpus.tokenizer.decode(inputs)).toBe(text.slice(1_003_854, -1));
    expect(corpus.tokenizer.decode(targets)).toBe(text.slice(1_003_855));
  });

  it.each(['tiny-shakespeare.txt', 'input.txt'])('finds it as %s, the first folder first', async (name) => {
    const [empty, full] = [await temporaryFolder(), await temporaryFolder()];
    await copyFile(real, join(full, name));
    const corpus = await openTinyShakespeare({ directories: [join(empty, 'no such folder'), empty, full] });
    expect(corpus.source).toBe(`Tiny Shakespeare from ${join(full, name)}`);
  });

  it('downloads it once, and keeps it', async () => {
    const server = await startServer(
      (_request, response) => void readFile(real).then((text) => response.end(text)),
    );
    const folder = await temporaryFolder();
    const options = { directories: [folder], downloadDirectory: folder, url: `${server.url}/input.txt` };
    const first = await openTinyShakespeare(options);
    const second = await openTinyShakespeare(options);
    expect(server.requests).toEqual(['GET /input.txt']);
    expect(await readdir(folder)).toEqual(['tiny-shakespeare.txt']);
    expect([first.hash, second.hash]).toEqual([TINY_SHAKESPEARE.sha256, TINY_SHAKESPEARE.sha256]);
  });

  it('is what openCorpus takes by default and by name', async () => {
    expect((await openCorpus()).name).toBe('tiny-shakespeare');
    expect((await openCorpus('tiny-shakespeare')).hash).toBe(TINY_SHAKESPEARE.sha256);
  });
});

describe('openTinyShakespeare', () => {
  it.each(['tiny-shakespeare.txt', 'input.txt'])(
    'never uses another text named %s, and downloads none over it',
    async (name) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, name), 'First Citizen:\nThis is not the whole text.\n');
      const options = { directories: [folder], downloadDirectory: folder, url: await refusedUrl() };
      const message = new RegExp(
        `${name} must have SHA-256 ${TINY_SHAKESPEARE.sha256}, got [0-9a-f]{64}\\. It is another text`,
      );
      await expect(openTinyShakespeare(options)).rejects.toThrow(message);
      await expect(openCorpus('default', options)).rejects.toThrow(message);
      expect(await readdir(folder)).toEqual([name]);
    },
  );

  it('looks into BITNET_DATA_DIR', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'tiny-shakespeare.txt'), 'damaged');
    process.env.BITNET_DATA_DIR = folder;
    await expect(openTinyShakespeare()).rejects.toThrow(
      `${join(folder, 'tiny-shakespeare.txt')} must have SHA-256`,
    );
  });

  it('names three ways on, and the language that needs no file, when there is no network', async () => {
    const folder = await temporaryFolder();
    const opening = openTinyShakespeare({
      directories: [folder],
      downloadDirectory: folder,
      url: await refusedUrl(),
    });
    await expect(opening).rejects.toThrow(
      /not found in .*, and not downloaded: .*fetch failed.*BITNET_DATA_DIR; put the file into .*data as tiny-shakespeare\.txt; or try again with a network\. .*Zipf facts needs no file/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('does not keep what a server sends in its place', async () => {
    const server = await startServer((_request, response) =>
      response.end('<html>Sign in to the network</html>'),
    );
    const folder = await temporaryFolder();
    const opening = openTinyShakespeare({
      directories: [folder],
      downloadDirectory: folder,
      url: server.url,
    });
    await expect(opening).rejects.toThrow(/must give 1115394 bytes with SHA-256 86c4.*, got 35 with/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('ends with the reason of the signal, and so does openCorpus', async () => {
    const folder = await temporaryFolder();
    const options = {
      directories: [folder],
      downloadDirectory: folder,
      url: await refusedUrl(),
      signal: AbortSignal.abort(new Error('stopped by the reader')),
    };
    await expect(openTinyShakespeare(options)).rejects.toThrow('stopped by the reader');
    await expect(openCorpus('default', options)).rejects.toThrow('stopped by the reader');
  });
});
