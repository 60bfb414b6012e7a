/** The public names: what a notebook may import. Nothing here loads TensorFlow. */
export {
  BITNET_B158,
  ConfigError,
  FULL_PRECISION,
  parseModelConfig,
  type AblationOptions,
  type ActivationQuantizerName,
  type ModelConfig,
  type NormPlacement,
  type QuantizationConfig,
  type WeightQuantizerName,
} from './config.js';

// Corpora: what there is to train on.
export { CharacterTokenizer } from './corpora/characters.js';
export {
  CorpusError,
  type Corpus,
  type KnownEntropy,
  type PositionKind,
  type TokenWindows,
} from './corpora/corpus.js';
export { CORPUS_NAMES, openCorpus } from './corpora/open-corpus.js';
export { openTextFile } from './corpora/text-file.js';
export { openTinyShakespeare, type TinyShakespeareOptions } from './corpora/tiny-shakespeare.js';
export { shannonEntropy, ZipfFacts, type ZipfFactsOptions } from './corpora/zipf-facts.js';
