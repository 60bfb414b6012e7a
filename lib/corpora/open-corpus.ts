/** A corpus by its name, or by the path of a text file. */
import { CorpusError } from './corpus-error.js';
import type { Corpus } from './corpus.js';
import { openTextFile } from './text-file.js';
import {
  openTinyShakespeare,
  TinyShakespeareMissing,
  type TinyShakespeareOptions,
} from './tiny-shakespeare.js';
import { ZipfFacts } from './zipf-facts.js';

/** What can be opened by name. `default`: Tiny Shakespeare, and Zipf facts where there is no way to get it. */
const CORPUS_NAMES = ['default', 'tiny-shakespeare', 'zipf-facts'] as const;

/**
 * Opens the data to train on. `corpus.source` says what was taken, and in the default's second choice why.
 * @param nameOrPath one of `CORPUS_NAMES`, or the path of a text file
 * @throws CorpusError for files that are missing or damaged; a damaged Tiny Shakespeare is never passed over
 */
export async function openCorpus(
  nameOrPath = 'default',
  options: TinyShakespeareOptions = {},
): Promise<Corpus> {
  switch (nameOrPath) {
    case 'tiny-shakespeare':
      return openTinyShakespeare(options);
    case 'zipf-facts':
      return new ZipfFacts();
    case 'default':
      return openDefault(options);
    case '':
      throw new CorpusError(
        `open corpus: must be ${CORPUS_NAMES.join(', ')} or the path of a text file, got "".`,
      );
    default:
      return openTextFile(nameOrPath);
  }
}

async function openDefault(options: TinyShakespeareOptions): Promise<Corpus> {
  try {
    return await openTinyShakespeare(options);
  } catch (error) {
    if (!(error instanceof TinyShakespeareMissing)) throw error;
    return new ZipfFacts({}, error.message);
  }
}
