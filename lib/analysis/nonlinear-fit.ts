/**
 * Least squares for a model that is not linear in its coefficients (Levenberg 1944, Marquardt 1963), and how well they are
 * known: near the best fit the model is linear, and its slopes make the covariance (the delta method).
 */
import type { Contrast } from './contrast.js';
import { leastSquares, quadraticForm, sumOfSquares, type LeastSquares } from './least-squares.js';
import { ifDetermined } from './undetermined.js';

/** A fitted model. */
export interface NonlinearFit {
  coefficients: number[];
  /** Values − model, one by one. */
  residuals: number[];
  /** Values less coefficients. */
  degrees: number;
  /** Standard deviation of a value around the model. */
  scatter: number;
  /** A function of the coefficients with its standard error, by its slopes. */
  contrast(of: (coefficients: readonly number[]) => number): Contrast;
}

/** From coefficients to what each value should be. */
export type Model = (coefficients: readonly number[]) => number[];

const MAX_ROUNDS = 200;
/** A round that lowers the sum of squares by less than this share is the last. */
const SETTLED = 1e-12;

/**
 * Fits a model from a start that is near enough for a valley to lead down from it.
 * @param model smooth in each coefficient
 * @param start coefficients of about the right size
 */
export function fitNonlinear(
  model: Model,
  start: readonly number[],
  values: readonly number[],
): NonlinearFit {
  let coefficients = [...start];
  let residuals = residualsOf(model, coefficients, values);
  let damping = 1e-3;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const step = dampedStep(slopesOf(model, coefficients), residuals, damping);
    const next = coefficients.map((one, i) => one + (step?.[i] ?? NaN));
    const nextResiduals = residualsOf(model, next, values);
    const [before, after] = [sumOfSquares(residuals), sumOfSquares(nextResiduals)];
    if (!(after < before)) {
      damping *= 10;
      if (damping > 1e12) break;
      continue;
    }
    [coefficients, residuals] = [next, nextResiduals];
    damping = Math.max(1e-12, damping / 10);
    if (before - after <= SETTLED * before) break;
  }
  return fitAt(model, coefficients, values);
}

/**
 * What {@link fitNonlinear} returns, at coefficients that are the best already. Where the values do not determine every coefficient,
 * nothing is known of any: the standard errors are infinite.
 */
export function fitAt(
  model: Model,
  coefficients: readonly number[],
  values: readonly number[],
): NonlinearFit {
  const residuals = residualsOf(model, coefficients, values);
  return fitOf([...coefficients], residuals, slopesOf(model, coefficients));
}

/** One step of least squares from a start, as if the model were linear there. */
export function fitOneStep(model: Model, start: readonly number[], values: readonly number[]): NonlinearFit {
  const slopes = slopesOf(model, start);
  const step = solved(slopes, residualsOf(model, start, values));
  const coefficients = start.map((one, i) => one + (step?.coefficients[i] ?? 0));
  return fitOf(coefficients, step?.residuals ?? [...values], slopes);
}

/** @param slopes of every value with every coefficient, which the covariance follows from */
function fitOf(coefficients: number[], residuals: number[], slopes: readonly number[][]): NonlinearFit {
  const count = residuals.length;
  const degrees = Math.max(0, count - coefficients.length);
  const covariance = solved(slopes, residuals)?.unscaledCovariance;
  const variance = degrees > 0 ? sumOfSquares(residuals) / degrees : Infinity;
  return {
    coefficients,
    residuals,
    degrees,
    scatter: Math.sqrt(sumOfSquares(residuals) / Math.max(1, degrees)),
    contrast(of) {
      const value = of(coefficients);
      if (covariance === undefined || degrees === 0)
        return { value, standardError: Infinity, degrees: 0, count };
      const gradient = slopesOf((at) => [of(at)], coefficients)[0];
      const standardError = Math.sqrt(variance * quadraticForm(gradient, covariance));
      return { value, standardError, degrees, count };
    },
  };
}

function residualsOf(model: Model, coefficients: readonly number[], values: readonly number[]): number[] {
  return model(coefficients).map((one, i) => values[i] - one);
}

/** Change of every value with every coefficient, by central differences, `[values, coefficients]`. */
function slopesOf(model: Model, coefficients: readonly number[]): number[][] {
  const columns = coefficients.map((coefficient, i) => {
    const reach = 1e-5 * Math.max(1e-2, Math.abs(coefficient));
    const moved = (by: number): number[] => model(coefficients.map((one, j) => (j === i ? one + by : one)));
    const [above, below] = [moved(reach), moved(-reach)];
    return above.map((value, row) => (value - below[row]) / (2 * reach));
  });
  return columns[0].map((_, row) => columns.map((column) => column[row]));
}

/** (JᵀJ + λ·diag(JᵀJ)) step = Jᵀr, as least squares with a row more for each coefficient. */
function dampedStep(
  slopes: readonly number[][],
  residuals: readonly number[],
  damping: number,
): number[] | undefined {
  const scales = slopes[0].map((_, i) => Math.sqrt(slopes.reduce((sum, row) => sum + row[i] ** 2, 0)) || 1);
  const scaled = slopes.map((row) => row.map((slope, i) => slope / scales[i]));
  const extra = scales.map((_, i) => scales.map((__, j) => (i === j ? Math.sqrt(damping) : 0)));
  const step = solved([...scaled, ...extra], [...residuals, ...scales.map(() => 0)]);
  return step?.coefficients.map((one, i) => one / scales[i]);
}

/** Undefined where the rows do not determine every coefficient. */
function solved(design: readonly number[][], values: readonly number[]): LeastSquares | undefined {
  return ifDetermined(() => leastSquares(design, values));
}
