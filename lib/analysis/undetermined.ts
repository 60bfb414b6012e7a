/** Thrown where what was measured does not determine what is asked: too few values, or columns that depend on each other. */
export class UndeterminedError extends Error {
  override readonly name = 'UndeterminedError';
}

/** What `fit` finds; undefined where too little was measured for it. Other errors are not swallowed. */
export function ifDetermined<Found>(fit: () => Found): Found | undefined {
  try {
    return fit();
  } catch (error) {
    if (error instanceof UndeterminedError) return undefined;
    throw error;
  }
}
