/** What quantizing after training asks about the input of a matrix, found on calibration text. */

/** The input of one site: what enters q, k and v, o, gate and up, or down, after its norm and before any quantizer. */
export interface InputStatistics {
  /** The matrices that read it, by transformers' names. */
  readers: readonly string[];
  /** Mean of x·xᵀ, [C · C]: half of GPTQ's Hessian (arXiv 2210.17323, section 3). */
  moments: Float64Array;
  /** max|x| of each feature, [C]. */
  largest: Float64Array;
  /** E(x − μ)⁴ / σ⁴ over all values: 3 for normal ones, more with outliers. */
  kurtosis: number;
}
