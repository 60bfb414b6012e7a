/**
 * The horizontal shift between two curves: L_ternary(N) ≈ L_fp(k·N). A ternary model of N parameters does what a
 * full-precision one of k·N does. Beside it stand the precision law's factor (arXiv 2411.04330) and the rule of thumb of
 * twice the width, which is four times the weights.
 */
import { meanBySize, type MeasuredLoss } from './loss-points.js';

/** γ_w of the precision law N_eff = N·(1 − e^(−P/γ_w)), fitted on 3 to 16 bits (arXiv 2411.04330, appendix K). */
const GAMMA_WEIGHTS = 2.6745;

/** N_eff / N of the precision law at a number of bits. Below 3 bits it is an extrapolation. */
export function precisionLawFactor(bitsPerWeight: number): number {
  return 1 - Math.exp(-bitsPerWeight / GAMMA_WEIGHTS);
}

/** k at one size, where the full-precision curve reaches that loss. */
export interface ShiftAtSize {
  parameters: number;
  k: number;
}

/**
 * k at every size of `quantized` whose mean loss lies within the range that `reference` was measured over. The curve of
 * `reference` is read as straight in ln N between neighbouring sizes: no fit is assumed.
 */
export function shiftBySize(
  quantized: readonly MeasuredLoss[],
  reference: readonly MeasuredLoss[],
): ShiftAtSize[] {
  const curve = meanBySize(reference);
  return meanBySize(quantized).flatMap(({ parameters, loss }) => {
    for (let i = 1; i < curve.length; i++) {
      const [before, after] = [curve[i - 1], curve[i]];
      if (loss > before.loss || loss < after.loss) continue;
      const share = (before.loss - loss) / (before.loss - after.loss || 1);
      const reached = before.parameters * (after.parameters / before.parameters) ** share;
      return [{ parameters, k: reached / parameters }];
    }
    return [];
  });
}
