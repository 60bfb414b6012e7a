import type { Corpus, TokenWindows } from '@bitnet-notebooks/lib';

/** Tokens that count up: data for measurements of speed, which do not depend on what is learned. */
export function syntheticCorpus(vocabSize: number): Corpus {
  const windows = (count: number, context: number): TokenWindows => ({
    inputs: Int32Array.from({ length: count * context }, (_, i) => i % vocabSize),
    targets: Int32Array.from({ length: count * context }, (_, i) => (i + 1) % vocabSize),
  });
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
