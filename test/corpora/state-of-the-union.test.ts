import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCorpusOf } from '../../experiments/sweep/open-corpus.js';
import { openStateOfTheUnion, splitByDate } from '../../lib/corpora/state-of-the-union.js';
import { dataDirectories } from '../../lib/corpora/data-directory.js';
import { existsSync } from 'node:fs';
import { temporaryFolder } from '../temporary-folder.js';

const isHere = dataDirectories().some((folder) => existsSync(join(folder, 'state-of-the-union.tsv')));

describe('splitByDate', () => {
  it('trains on the years to 1992, validates on those to 2006, and tests on the rest', () => {
    const file = '1790\tOne.\n1992\tTwo.\n1993\tThree.\n2006\tFour.\n2007\tFive.\n';
    expect(splitByDate(file)).toEqual({
      training: 'One.\n\nTwo.\n\n',
      validation: 'Three.\n\nFour.\n\n',
      test: 'Five.\n\n',
    });
  });
});

describe('openStateOfTheUnion', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('refuses a file that is something else', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'state-of-the-union.tsv'), '1790\tFellow citizens.\n');
    await expect(openStateOfTheUnion({ directories: [folder] })).rejects.toThrow(
      /must have SHA-256 88551bde.*got /,
    );
  });

  /** A stand-in for npm: what it prints and does is the test's. */
  async function standIn(script: string): Promise<void> {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'npm'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'npm'), 0o755);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  }

  it.skipIf(process.platform === 'win32').each([
    [
      'npm fails',
      'echo "npm error network" >&2; exit 1',
      /npm could not fetch .*Command failed.*npm error network/s,
    ],
    [
      'the package is another',
      'echo \'[{"filename":"x.tgz","integrity":"sha512-other"}]\'',
      /must have integrity sha512-QbspCB.*got sha512-other/,
    ],
    ['npm prints no JSON', 'echo hello', /npm could not fetch/],
  ])('says what to do where %s, and leaves no file', async (_, script, message) => {
    await standIn(script);
    const folder = await temporaryFolder();
    const opened = openStateOfTheUnion({ directories: [], downloadDirectory: folder });
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow('BITNET_DATA_DIR');
    expect(existsSync(join(folder, 'state-of-the-union.tsv'))).toBe(false);
  });
});

describe.skipIf(!isHere)('the State of the Union in byte pairs', () => {
  it('is 10 MB of text in tokens of about four bytes, once in a process', async () => {
    const spec = { name: 'state-of-the-union', vocabSize: 4096 } as const;
    const corpus = await openCorpusOf(spec);
    expect(await openCorpusOf(spec)).toBe(corpus);
    expect([corpus.trainingTokens, corpus.validationTokens, corpus.testTokens]).toEqual([
      2_203_649, 132_084, 148_825,
    ]);
    expect(corpus.bytesPerToken!.validation).toBeCloseTo(3.9045, 4);
    const { inputs } = corpus.testWindows(1, 16);
    expect(corpus.tokenizer!.decode(inputs)).toMatch(/^Thank you very much\. And tonight/);
    await expect(openCorpusOf({ ...spec, vocabSize: 5 })).rejects.toThrow('must have 5 tokens, got 4096');
  });
});
