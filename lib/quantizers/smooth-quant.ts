/**
 * SmoothQuant (Xiao et al., arXiv 2211.10438, section 4): large features of the input are divided by a factor that the
 * weights take over, so that W·x = (W·diag(s))·(x/s). In full precision nothing changes.
 */

/** How much of an outlier moves into the weights: the authors' choice for most models. */
const STRENGTH = 0.5;
/** Features that are always zero, or read by no weight, are left alone. */
const LEAST = 1e-5;

/**
 * The factors of one input: max|xⱼ|^α / max|wⱼ|^(1−α).
 * @param largest max|x| of each feature on calibration text, [C]
 * @param readers every matrix that reads the input, each [rows, C]
 * @returns s, [C], above 0
 */
export function smoothingFactors(
  largest: Float64Array,
  readers: readonly Float32Array[],
  strength: number = STRENGTH,
): Float64Array {
  const features = largest.length;
  const weights = new Float64Array(features);
  for (const matrix of readers) {
    if (matrix.length % features !== 0) {
      throw new Error(`smoothingFactors: rows must have ${features} features, got ${matrix.length} values.`);
    }
    matrix.forEach((w, i) => {
      weights[i % features] = Math.max(weights[i % features], Math.abs(w));
    });
  }
  return largest.map((x, j) =>
    x < LEAST || weights[j] < LEAST ? 1 : Math.max(LEAST, x ** strength / weights[j] ** (1 - strength)),
  );
}
