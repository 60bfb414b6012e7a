/** Doubles from here on are whole numbers; adding it to a smaller one rounds off the fraction, ties to even. */
const ALL_WHOLE = 2 ** 52;

/**
 * Rounds to the nearest whole number, ties to the even one, as IEEE 754, `torch.round` and TensorFlow do.
 * `Math.round` takes ties upwards (0.5 → 1, 2.5 → 3) and would move values that sit on a boundary.
 * @param x any number; NaN and infinities come back as they are, and the sign of a zero is kept
 */
export function roundHalfToEven(x: number): number {
  if (!(Math.abs(x) < ALL_WHOLE)) return x;
  if (x < 0 || Object.is(x, -0)) return -(ALL_WHOLE - x - ALL_WHOLE);
  return x + ALL_WHOLE - ALL_WHOLE;
}
