/** More different values than this are no levels but full precision. */
const MOST_LEVELS = 256;

/**
 * Whole numbers for values of which many are equal: 0 for zero, and one more or less for every smallest distance between
 * two values. So weights before and after a step can be compared though their scale has moved.
 * @param values quantized weights of one matrix
 * @returns one number for each; of more than 256 different values only zero and the sign remain
 */
export function levelIndices(values: Float32Array): Int32Array {
  const levels = [...new Set(values)].sort((a, b) => a - b);
  if (levels.length > MOST_LEVELS) return Int32Array.from(values, Math.sign);
  const scale = Math.max(...levels.map(Math.abs));
  // Two levels that differ in their last bits alone are one.
  const distances = levels
    .map((level, i) => (i === 0 ? Infinity : level - levels[i - 1]))
    .filter((distance) => distance > 1e-6 * scale);
  const step = Math.min(...distances);
  if (step === Infinity) return Int32Array.from(values, Math.sign);
  return Int32Array.from(values, (value) => Math.round(value / step));
}
