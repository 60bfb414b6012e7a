/**
 * A batch in parts, one for each thread: whole sequences, whose gradients add up to that of the batch. Products of the
 * size that laptops train are too small to be split inside; sequences are not.
 */
import { hasNativeKernels } from '../backend/kernels.js';
import { currentBackend } from '../backend/tensorflow.js';
import type { AblationOptions, ActivationQuantizerName } from '../ablation-options.js';
import type { TokenWindows } from '../corpora/corpus.js';

/** Part of a batch. */
export interface BatchPart {
  batch: TokenWindows;
  sequences: number;
  /** Of the whole batch, above 0. */
  share: number;
}

/**
 * Whether a token's integers and gradient depend on nothing but that token. One scale for the whole batch does not, nor
 * does the elastic quantizer: LSQ divides the gradient of its step by the root of the number of values in a batch.
 */
const TOKEN_BY_TOKEN: Record<ActivationQuantizerName, boolean> = {
  none: true,
  'absmax-int8-token': true,
  'absmax-int8-tensor': false,
  'absmax-int4-token': true,
  'absmean-int4-token': true,
  'top-half-int8-token': true,
  'elastic-int8': false,
};

/** True where the gradient of a batch is the sum of the gradients of its parts. */
export function isSplittable(options: AblationOptions): boolean {
  const {
    activation_quantizer: all,
    down_activation_quantizer: down = all,
    output_activation_quantizer: output = all,
  } = options;
  // A reader's function may look at the whole batch, or draw its numbers once for it.
  if (options.own_weight_quantizer !== undefined || options.own_activation_quantizer !== undefined)
    return false;
  return TOKEN_BY_TOKEN[all] && TOKEN_BY_TOKEN[down] && TOKEN_BY_TOKEN[output];
}

/**
 * In how many parts a model takes its batches: one for each thread that TensorFlow was started with, at most one for
 * each sequence. One where the batch cannot be split, and on wasm, which has one thread.
 */
export function partsOf(options: AblationOptions, sequences: number): number {
  if (!hasNativeKernels() || !isSplittable(options)) return 1;
  return Math.min(currentBackend()?.threads ?? 1, sequences);
}

/** Whole sequences in as many parts, the smaller ones first. */
export function splitBatch({ inputs, targets }: TokenWindows, sequences: number, parts: number): BatchPart[] {
  const tokens = inputs.length / sequences;
  return Array.from({ length: parts }, (_, part) => {
    const start = Math.floor((part * sequences) / parts);
    const end = Math.floor(((part + 1) * sequences) / parts);
    const cut = (ids: Int32Array): Int32Array => ids.slice(start * tokens, end * tokens);
    return {
      batch: { inputs: cut(inputs), targets: cut(targets) },
      sequences: end - start,
      share: (end - start) / sequences,
    };
  });
}
