/**
 * What the quantizers measure on a row or matrix: mean, mean |x|, median |x|, max |x|.
 *
 * Sums are taken in float32 in one fixed order: blocks of 16 neighbours from left to right, then blocks of 16 of
 * those sums, and so on. Rounding errors grow with the logarithm of the length, and every engine that calls these
 * gets the same last bit, so a weight on a rounding boundary never becomes another integer elsewhere.
 */

const BLOCK = 16;
const { abs, fround } = Math;

/** Sum of `values[start .. start + count)`, or of their magnitudes, in the fixed order. NaN and Inf carry through. */
function sum(values: Float32Array, start: number, count: number, magnitude: boolean): number {
  let sums = new Float32Array(Math.ceil(count / BLOCK));
  const done = magnitude ? sumFourBlocksAtOnce(values, start, count, sums) : 0;
  for (let b = done; b < sums.length; b++) {
    const from = start + b * BLOCK;
    const to = Math.min(from + BLOCK, start + count);
    let total = 0;
    for (let i = from; i < to; i++) total = fround(total + (magnitude ? abs(values[i]) : values[i]));
    sums[b] = total;
  }
  while (sums.length > 1) {
    const next = new Float32Array(Math.ceil(sums.length / BLOCK));
    for (let i = 0; i < sums.length; i++) {
      const b = Math.floor(i / BLOCK);
      next[b] = fround(next[b] + sums[i]);
    }
    sums = next;
  }
  return sums[0];
}

/**
 * Sums of magnitudes of whole blocks, four blocks side by side: the processor waits for one addition at a time within
 * a block, so this takes half the time. Training runs it over every weight in every step.
 * @returns number of blocks done
 */
function sumFourBlocksAtOnce(values: Float32Array, start: number, count: number, sums: Float32Array): number {
  const last = Math.floor(count / BLOCK) - 4;
  let b = 0;
  for (; b <= last; b += 4) {
    let [t0, t1, t2, t3] = [0, 0, 0, 0];
    const from = start + b * BLOCK;
    for (let i = from; i < from + BLOCK; i++) {
      t0 = fround(t0 + abs(values[i]));
      t1 = fround(t1 + abs(values[i + BLOCK]));
      t2 = fround(t2 + abs(values[i + 2 * BLOCK]));
      t3 = fround(t3 + abs(values[i + 3 * BLOCK]));
    }
    sums[b] = t0;
    sums[b + 1] = t1;
    sums[b + 2] = t2;
    sums[b + 3] = t3;
  }
  return b;
}

/** Mean of `count` values from `start` on, in float32. */
export function mean(values: Float32Array, start = 0, count: number = values.length): number {
  return fround(sum(values, start, count, false) / count);
}

/** Mean magnitude of `count` values from `start` on, in float32. */
export function meanAbsolute(values: Float32Array, start = 0, count: number = values.length): number {
  return fround(sum(values, start, count, true) / count);
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
