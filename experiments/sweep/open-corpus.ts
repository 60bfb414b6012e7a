import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CorpusError,
  openStateOfTheUnion,
  openTinyShakespeare,
  stableJson,
  Tokenizer,
  ZipfFacts,
  type Corpus,
} from '@bitnet-notebooks/lib';
import { CLONE } from './commit.js';
import type { CorpusSpec } from './run-spec.js';

/** Worker processes carry out run after run on one text; byte pairs of 10 MB take seconds. */
const opened = new Map<string, Promise<Corpus>>();

/**
 * Opens what a run learns from; in one process only once.
 * @throws CorpusError where the text cannot be had, or a language's options are out of range
 */
export function openCorpusOf(spec: CorpusSpec): Promise<Corpus> {
  const key = stableJson(spec);
  const corpus = opened.get(key) ?? openNow(spec);
  opened.set(key, corpus);
  corpus.catch(() => opened.delete(key));
  return corpus;
}

async function openNow(spec: CorpusSpec): Promise<Corpus> {
  switch (spec.name) {
    case 'tiny-shakespeare':
      return openTinyShakespeare({ testShare: spec.testShare });
    case 'state-of-the-union':
      return openStateOfTheUnion({ tokenizer: await bytePairs(spec.vocabSize) });
    case 'zipf-facts': {
      const { name: _, ...options } = spec;
      return new ZipfFacts(options);
    }
  }
}

/** The committed tokenizer of the State of the Union. */
async function bytePairs(vocabSize: number): Promise<Tokenizer> {
  const path = join(CLONE, 'data', 'state-of-the-union', 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const found = new Tokenizer({ kind: 'huggingface', tokenizer, config: {} });
  if (found.vocabSize === vocabSize) return found;
  throw new CorpusError(
    `open corpus: the tokenizer must have ${vocabSize} tokens, got ${found.vocabSize} in ${path}.`,
  );
}
