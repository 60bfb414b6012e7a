/** Reads the reference vectors of this folder. */
import { readFileSync } from 'node:fs';

/** A tensor in a reference file: flattened row-major; NaN, infinities and −0 as strings. */
export interface GoldenTensor {
  shape: number[];
  dtype: string;
  data: (number | string)[];
}

/** The parsed JSON file `test/golden/<path>`; the caller names its type. */
export function golden(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

/** The values of a reference tensor. */
export function values({ data }: GoldenTensor): number[] {
  return data.map(Number);
}

/** Values as float32. */
export function float32(tensor: GoldenTensor): Float32Array {
  return Float32Array.from(values(tensor));
}

/** Largest |actual − expected| / (absolute + |expected| · relative); at most 1 where all are within tolerance. */
export function excess(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative, absolute = 0 }: { relative: number; absolute?: number },
): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (difference === 0) continue;
    const ratio = difference / (absolute + Math.abs(expected[i]) * relative);
    if (!(ratio <= worst)) worst = ratio;
    if (Number.isNaN(ratio)) return Infinity;
  }
  return worst;
}
