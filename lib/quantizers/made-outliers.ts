/**
 * Outliers where a model has none: some features of every normalised input are made larger by the gain of its norm, and the
 * weights that read them smaller by as much. The function that the model computes stays the same to the last bit, since the
 * factor is a power of two; what enters its products does not. Large language models have such features from about 6
 * billion parameters on (LLM.int8(), arXiv 2208.07339, section 4); models of this project have none of their own.
 */
import { LAYER_SITES } from '../parameters.js';
import type { WeightMatrix } from './post-training.js';

export interface OutlierOptions {
  /** Features of an input for each one that becomes an outlier. */
  oneIn?: number;
  /** A power of two. */
  factor?: number;
}

/**
 * The model's tensors with outliers made at every site that has a norm with a gain.
 * @param tensors of a model, by transformers' names; kept
 * @throws Error for a factor that is no power of two
 */
export function withMadeOutliers<T extends WeightMatrix>(
  tensors: readonly T[],
  { oneIn = 64, factor = 32 }: OutlierOptions = {},
): T[] {
  if (!(factor >= 1 && Number.isInteger(Math.log2(factor))))
    throw new Error(`made outliers: the factor must be a power of two from 1, got ${factor}.`);
  const changed = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const layers = tensors.flatMap(
    ({ name }) => /^(model\.layers\.\d+)\.mlp\.up_proj\.weight$/.exec(name)?.[1] ?? [],
  );
  for (const layer of layers) {
    for (const { norm, readers } of Object.values(LAYER_SITES)) {
      const gain = changed.get(`${layer}.${norm}.weight`);
      if (!gain) continue;
      const features = gain.data.length;
      // Spread evenly: which features they are does not matter.
      const isOutlier = (j: number): boolean => j % oneIn === Math.min(features, oneIn) >> 1;
      const scaled = (tensor: T, by: number): T => ({
        ...tensor,
        data: tensor.data.map((value, i) => (isOutlier(i % features) ? value * by : value)),
      });
      changed.set(gain.name, scaled(gain, factor));
      for (const reader of readers) {
        const matrix = changed.get(`${layer}.${reader}.weight`);
        if (matrix) changed.set(matrix.name, scaled(matrix, 1 / factor));
      }
    }
  }
  return tensors.map(({ name }) => changed.get(name)!);
}
