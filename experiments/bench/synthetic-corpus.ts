import type { Corpus, TokenWindows } from '@bitnet-notebooks/lib';

/**
 * Tokens that count up: data for measurements of speed, which do not depend on what is learned. Batches are made once: their
 * making is no part of a step.
 */
export function syntheticCorpus(vocabSize: number): Corpus {
  const made = new Map<number, TokenWindows>();
  const windows = (count: number, context: number): TokenWindows => {
    const length = count * context;
    const ids = (first: number): Int32Array => Int32Array.from({ length }, (_, i) => (i + first) % vocabSize);
    const found = made.get(length) ?? { inputs: ids(0), targets: ids(1) };
    made.set(length, found);
    return found;
  };
  return {
    name: 'counting',
    source: 'numbers that count up',
    vocabSize,
    hash: '0'.repeat(64),
    trainingTokens: Infinity,
    validationTokens: Infinity,
    testTokens: Infinity,
    sampleBatch: (_step, _seed, batch, context) => windows(batch, context),
    validationWindows: windows,
    testWindows: windows,
  };
}
