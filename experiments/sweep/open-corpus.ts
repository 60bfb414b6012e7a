import { openTinyShakespeare, ZipfFacts, type Corpus } from '@bitnet-notebooks/lib';
import type { CorpusSpec } from './run-spec.js';

/**
 * Opens what a run learns from.
 * @throws CorpusError where the text cannot be had, or a language's options are out of range
 */
export async function openCorpusOf(spec: CorpusSpec): Promise<Corpus> {
  if (spec.name === 'tiny-shakespeare') return openTinyShakespeare({ testShare: spec.testShare });
  const { name: _, ...options } = spec;
  return new ZipfFacts(options);
}
