/** The cosines and sines of rotary positions (arXiv 2104.09864), as transformers computes them: in float32. */

/**
 * Fills tables `[positions][headDim / 2]`: the angle of pair i at position p is p · theta^(-2i / headDim), frequency
 * and angle each rounded to float32.
 */
export function fillAngles(
  theta: number,
  headDim: number,
  positions: number,
  cosines: Float32Array,
  sines: Float32Array,
): void {
  const half = headDim / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))),
  );
  for (let p = 0, at = 0; p < positions; p++) {
    for (let i = 0; i < half; i++, at++) {
      const angle = Math.fround(p * frequencies[i]);
      cosines[at] = Math.cos(angle);
      sines[at] = Math.sin(angle);
    }
  }
}
