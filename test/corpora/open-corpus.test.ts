import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCorpus } from '../../lib/corpora/open-corpus.js';
import { refusedUrl } from '../local-server.js';
import { temporaryFolder } from '../temporary-folder.js';

describe('openCorpus', () => {
  it('takes Zipf facts by default where Tiny Shakespeare cannot be had, and says so and why', async () => {
    const folder = await temporaryFolder();
    const corpus = await openCorpus('default', {
      directories: [folder],
      downloadDirectory: folder,
      url: await refusedUrl(),
    });
    expect(corpus.name).toBe('zipf-facts');
    expect(corpus.source).toMatch(
      /^the generated language Zipf facts .*, because: open Tiny Shakespeare: not found in .*fetch failed/,
    );
    expect(corpus.hash).toBe((await openCorpus('zipf-facts')).hash);
  });

  it('opens Zipf facts by name', async () => {
    const corpus = await openCorpus('zipf-facts');
    expect([corpus.name, corpus.vocabSize]).toEqual(['zipf-facts', 128]);
    expect(corpus.source).not.toMatch(/because/);
    expect(corpus.tokenizer).toBeUndefined();
    expect(corpus.entropy?.kinds.map(({ name }) => name)).toEqual(['a', 'b', 'v']);
  });

  it('opens a text file by its path', async () => {
    const path = join(await temporaryFolder(), 'poem.txt');
    await writeFile(path, 'Rose is a rose is a rose is a rose.\n');
    const corpus = await openCorpus(path);
    expect([corpus.name, corpus.entropy]).toEqual(['poem.txt', undefined]);
  });

  it('says what it knows when it is given nothing or a wrong name', async () => {
    await expect(openCorpus('')).rejects.toThrow(
      /must be default, tiny-shakespeare, zipf-facts or the path of a text file/,
    );
    await expect(openCorpus('no-such-corpus')).rejects.toThrow(/must be there, got ENOENT in no-such-corpus/);
  });
});
