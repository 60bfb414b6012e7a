/** The test of a law that BitNet makes (arXiv 2310.11453, section 3.2), on a grid: fit some cells, predict the others. */
import type { Contrast } from './contrast.js';
import { fitExcessLaw, type GridCell } from './excess-law.js';

/** What a law says of a cell that it was not fitted to. */
export interface CellPrediction extends GridCell {
  /** Nats. */
  predicted: number;
  /** ln(measured excess / predicted excess): about the share by which the excess is off. */
  error: Contrast;
}

/**
 * Fits L(N, D) − H to all cells but those held out, and predicts these. The error's spread is that of the prediction and that of a
 * single cell around the law.
 * @param isHeldOut cells to predict, such as those of the largest size, or of the most tokens
 * @throws Error where nothing is held out, or what is left does not determine the law
 */
export function predictCells(
  cells: readonly GridCell[],
  entropy: number,
  isHeldOut: (cell: GridCell) => boolean,
): CellPrediction[] {
  const held = cells.filter(isHeldOut);
  if (held.length === 0)
    throw new Error(`predict cells: some cells must be held out, got none of ${cells.length}.`);
  const law = fitExcessLaw(
    cells.filter((cell) => !isHeldOut(cell)),
    entropy,
  );
  return held.map((cell) => {
    const known = law.logExcess(cell.parameters, cell.tokens);
    return {
      ...cell,
      predicted: law.at(cell.parameters, cell.tokens),
      error: {
        ...known,
        value: Math.log(cell.loss - entropy) - known.value,
        standardError: Math.hypot(known.standardError, law.scatter),
      },
    };
  });
}
