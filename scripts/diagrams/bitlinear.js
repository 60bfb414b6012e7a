/** BitLinear's flow of values, with shapes and bits; dashed: the way back of the gradient (b1.58, section 2). */
export const bitlinear = {
  width: 780,
  height: 372,
  title:
    'BitLinear: inputs are normalized and rounded to int8, weights to trits; their product is a sum of integers, ' +
    'which two scales turn back into floats. Gradients pass the rounding as if it were not there.',

  /** @param {import('./drawing.js').Drawing} d */
  draw(d) {
    /** @type {import('./drawing.js').Point} */
    const size = [104, 62];
    const [upper, lower, middle] = [62, 238, 150];
    const column = (/** @type {number} */ i) => 8 + i * 132;
    const right = (/** @type {number} */ i) => column(i) + size[0];

    d.box('float', [column(0), upper], size, ['x', '[tokens, in]', 'float, 32 bits']);
    d.box('norm', [column(1), upper], size, ['RMSNorm', 'x / rms(x)', 'float, 32 bits']);
    d.box('plain', [column(2), upper], size, ['absmax', 'round(s · x)']);
    d.box('integer', [column(3), upper], size, ['−127 … 127', '[tokens, in]', 'int8, 8 bits']);
    d.box('float', [column(0), lower], size, ['W, latent', '[out, in]', 'float, 32 bits']);
    d.box('plain', [column(2), lower], size, ['absmean', 'round(W / γ)']);
    d.box('trit', [column(3), lower], size, ['−1, 0, +1', '[out, in]', 'trits, 1.58 bits']);
    d.box('integer', [column(4), middle], size, ['sum', '± int8, by trit', 'int32, exact']);
    d.box(
      'float',
      [column(5), middle - 9],
      [size[0], 80],
      ['y', 'sum · γ / s', '[tokens, out]', 'float, 32 bits'],
    );

    for (const i of [0, 1, 2])
      d.arrow([
        [right(i), upper + 31],
        [column(i + 1), upper + 31],
      ]);
    d.arrow([
      [right(0), lower + 31],
      [column(2), lower + 31],
    ]);
    d.arrow([
      [right(2), lower + 31],
      [column(3), lower + 31],
    ]);
    d.arrow(
      [
        [right(3), upper + 31],
        [column(4) + 52, upper + 31],
        [column(4) + 52, middle],
      ],
      { kind: 'integer' },
    );
    d.arrow(
      [
        [right(3), lower + 31],
        [column(4) + 52, lower + 31],
        [column(4) + 52, middle + 62],
      ],
      { kind: 'trit' },
    );
    d.arrow([
      [right(4), middle + 31],
      [column(5), middle + 31],
    ]);

    // The scales go around the integers.
    d.arrow([
      [column(2) + 52, upper],
      [column(2) + 52, 34],
      [column(5) + 52, 34],
      [column(5) + 52, middle - 9],
    ]);
    d.text([column(4), 26], 's = 127 / max |x|, one for each token: [tokens, 1]', { small: true });
    d.arrow([
      [column(2) + 52, lower + 62],
      [column(2) + 52, 328],
      [column(5) + 52, 328],
      [column(5) + 52, middle + 71],
    ]);
    d.text([column(4), 345], 'γ = mean |W|, one for the matrix', { small: true });

    // The way back.
    const back = { dashed: true, kind: /** @type {const} */ ('norm'), curve: true };
    d.arrow(
      [
        [column(3) + 20, upper + 64],
        [column(2) + 52, upper + 102],
        [right(1) - 20, upper + 64],
      ],
      back,
    );
    d.arrow(
      [
        [column(3) + 20, lower - 2],
        [column(2) - 40, lower - 58],
        [right(0) - 20, lower - 2],
      ],
      back,
    );
    d.text([column(1) + 40, middle + 24], 'backward: straight through,', { small: true });
    d.text([column(1) + 40, middle + 40], 'as if nothing were rounded', { small: true });
  },
};
