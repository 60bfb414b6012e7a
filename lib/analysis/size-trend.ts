/**
 * How a difference changes with size. Sizes are the unit that repeats: their scatter around the trend, whatever its cause,
 * is what the interval is made from, not the seeds' within a size.
 */
import type { Contrast } from './contrast.js';
import { dot, leastSquares, quadraticForm, sumOfSquares } from './least-squares.js';
import { mean } from './statistics.js';

/** A difference at one size. */
export interface SizeDifference {
  /** Parameters, tokens or another size. */
  size: number;
  value: number;
}

/** Straight line in log₂(size), with what bends it. */
export interface SizeTrend {
  /** Change with every doubling of the size. */
  slope: Contrast;
  /** Coefficient of (log₂ size)², centred: zero for a straight line. Absent for fewer than four sizes. */
  bend?: Contrast;
  /** Of the line, at a size. */
  at(size: number): Contrast;
}

/**
 * Fits the trend by least squares over size means.
 * @param differences one for each size, at least three
 * @throws Error for fewer, or for sizes that are not above zero
 */
export function sizeTrend(differences: readonly SizeDifference[]): SizeTrend {
  const count = differences.length;
  if (count < 3) throw new Error(`sizeTrend: there must be at least three sizes, got ${count}.`);
  const odd = differences.find(({ size, value }) => !(size > 0) || !Number.isFinite(value));
  if (odd) {
    throw new Error(
      `sizeTrend: sizes must be above 0 and differences finite, got ${odd.value} at size ${odd.size}.`,
    );
  }
  const center = mean(differences.map(({ size }) => Math.log2(size)));
  const x = differences.map(({ size }) => Math.log2(size) - center);
  const values = differences.map(({ value }) => value);
  const line = fitted(
    x.map((one) => [1, one]),
    values,
  );
  return {
    slope: line([0, 1]),
    ...(count >= 4 && {
      bend: fitted(
        x.map((one) => [1, one, one * one]),
        values,
      )([0, 0, 1]),
    }),
    at: (size) => line([1, Math.log2(size) - center]),
  };
}

function fitted(design: number[][], values: readonly number[]): (combination: readonly number[]) => Contrast {
  const { coefficients, unscaledCovariance, residuals, degrees } = leastSquares(design, values);
  const variance = sumOfSquares(residuals) / degrees;
  return (combination) => ({
    value: dot(combination, coefficients),
    standardError: Math.sqrt(variance * quadraticForm(combination, unscaledCovariance)),
    degrees,
    count: values.length,
  });
}
