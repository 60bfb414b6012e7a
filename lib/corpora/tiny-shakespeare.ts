/** Tiny Shakespeare, the text of Karpathy's char-rnn: 40,000 lines of the plays, 65 different characters, public domain. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusError } from './corpus-error.js';
import { dataDirectories, projectDataDirectory } from './data-directory.js';
import { downloadFile, DownloadError } from './download.js';
import { decodeText, readBytes } from './text-file.js';
import { TextCorpus, type TextOptions } from './text.js';

/** The one version that every published loss refers to. */
export const TINY_SHAKESPEARE: Readonly<{ bytes: number; sha256: string; url: string }> = Object.freeze({
  bytes: 1_115_394,
  sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
  url: 'https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt',
});

/** Names under which the file is known; the second is its name at home. */
const FILE_NAMES = ['tiny-shakespeare.txt', 'input.txt'];

export interface TinyShakespeareOptions extends TextOptions {
  /** Folders to look into, in this order. Default: `BITNET_DATA_DIR`, then the project's `data/`. */
  directories?: readonly string[];
  /** Where a downloaded file is kept. Default: the project's `data/`. */
  downloadDirectory?: string;
  /** Where it is downloaded from. Default: its public home. */
  url?: string;
  /** Ends a download. */
  signal?: AbortSignal;
}

/**
 * Opens Tiny Shakespeare: from a folder that has it, else by a download (1.1 MB, kept for the next time).
 * @throws CorpusError if a file of its name is not it, or if there is none and it cannot be downloaded
 * @throws TinyShakespeareMissing in the second case
 */
export async function openTinyShakespeare(options: TinyShakespeareOptions = {}): Promise<TextCorpus> {
  const directories = options.directories ?? dataDirectories();
  for (const directory of directories) {
    for (const name of FILE_NAMES) {
      const path = join(directory, name);
      if (existsSync(path)) return open(path, options);
    }
  }
  const path = join(options.downloadDirectory ?? projectDataDirectory(), FILE_NAMES[0]);
  const url = options.url ?? TINY_SHAKESPEARE.url;
  try {
    await downloadFile(url, path, {
      bytes: TINY_SHAKESPEARE.bytes,
      sha256: TINY_SHAKESPEARE.sha256,
      signal: options.signal,
    });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new TinyShakespeareMissing(
      `open Tiny Shakespeare: not found in ${directories.join(' or ')}, and not downloaded: ${error.message} ` +
        `Three ways on: name a folder that has it in BITNET_DATA_DIR; put the file into ${projectDataDirectory()} as ` +
        `${FILE_NAMES[0]}; or try again with a network. The language Zipf facts needs no file.`,
      { cause: error },
    );
  }
  return open(path, options);
}

/** There is no Tiny Shakespeare on this computer and no way to get it now. */
export class TinyShakespeareMissing extends CorpusError {}

async function open(path: string, options: TextOptions): Promise<TextCorpus> {
  const { text, hash } = decodeText(await readBytes(path), path);
  if (hash !== TINY_SHAKESPEARE.sha256) {
    throw new CorpusError(
      `open Tiny Shakespeare: ${path} must have SHA-256 ${TINY_SHAKESPEARE.sha256}, got ${hash}. ` +
        'It is another text, or damaged: move it away, or train on it under its own path.',
    );
  }
  return new TextCorpus(
    text,
    { name: 'tiny-shakespeare', source: `Tiny Shakespeare from ${path}`, hash },
    options,
  );
}
