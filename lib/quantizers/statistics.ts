/**
 * What the quantizers measure on a row or matrix: mean, mean |x|, median |x|, max |x|.
 *
 * Sums are taken in float64. Of float32 values they lose so little that the float32 they end in is the same whatever the
 * order of the sum, but for about one in a hundred million: training sums on TensorFlow, inference and export here, and
 * a weight on a rounding boundary must not become another integer there.
 */

const { abs, fround } = Math;

/** Mean of `count` values from `start` on, in float32. NaN and Inf carry through. */
export function mean(values: Float32Array, start = 0, count: number = values.length): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += values[i];
  return fround(sum / count);
}

/** Mean magnitude of `count` values from `start` on, in float32. NaN and Inf carry through. */
export function meanAbsolute(values: Float32Array, start = 0, count: number = values.length): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += abs(values[i]);
  return fround(sum / count);
}

/** Largest magnitude of `count` values from `start` on; NaN if there is one. */
export function maxAbsolute(values: Float32Array, start = 0, count: number = values.length): number {
  let max = 0;
  for (let i = start; i < start + count; i++) {
    const magnitude = abs(values[i]);
    if (!(magnitude <= max)) {
      if (magnitude !== magnitude) return NaN;
      max = magnitude;
    }
  }
  return max;
}

/**
 * Median magnitude. Of an even number of values the lower of the two in the middle, as `torch.median` takes it, so
 * the result is always one of the magnitudes. NaN if any value is NaN or infinite: a median would hide it.
 */
export function medianAbsolute(values: Float32Array): number {
  const magnitudes = values.map(abs);
  if (magnitudes.includes(NaN) || magnitudes.includes(Infinity)) return NaN;
  return select(magnitudes, (magnitudes.length - 1) >> 1);
}

/** The value that would stand at `rank` after sorting (quickselect); reorders `values`. */
function select(values: Float32Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    // The middle of three keeps sorted and constant input from taking quadratic time.
    const a = values[low];
    const b = values[(low + high) >> 1];
    const c = values[high];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        const swap = values[i];
        values[i++] = values[j];
        values[j--] = swap;
      }
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else return values[rank];
  }
  return values[rank];
}
