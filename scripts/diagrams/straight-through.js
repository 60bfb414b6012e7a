/** The straight-through estimator: forward a staircase, backward a line of slope 1 (Bengio et al. 2013). */
export const straightThrough = {
  width: 780,
  height: 220,
  title:
    'The straight-through estimator: a latent weight is rounded to a trit on the way forward; on the way back the ' +
    'gradient passes the rounding unchanged, as if the staircase were a line of slope 1.',

  /** @param {import('./drawing.js').Drawing} d */
  draw(d) {
    d.box('float', [8, 52], [110, 56], ['latent w', 'float: −0.30']);
    d.box('plain', [160, 52], [110, 56], ['quantize', 'round(w / γ)']);
    d.box('trit', [312, 52], [110, 56], ['trit', '−1, 0 or +1']);
    d.arrow([
      [118, 80],
      [160, 80],
    ]);
    d.arrow([
      [270, 80],
      [312, 80],
    ]);
    d.arrow([
      [422, 80],
      [470, 80],
    ]);
    d.text([446, 70], 'loss', { small: true });
    d.text([215, 34], 'forward: the rounded value counts', { small: true });
    const back = { dashed: true, kind: /** @type {const} */ ('norm') };
    d.arrow(
      [
        [446, 84],
        [446, 150],
        [63, 150],
        [63, 112],
      ],
      back,
    );
    d.text([240, 170], 'backward: ∂loss/∂w = ∂loss/∂trit, the rounding is jumped over', { small: true });
    d.text([240, 196], 'the latent weight collects small pushes; the trit flips when they add up', {
      small: true,
      muted: true,
    });
    staircase(d);
  },
};

/** Both functions on one set of axes. @param {import('./drawing.js').Drawing} d */
function staircase(d) {
  const [x, y, unit] = [620, 110, 44];
  const at = (/** @type {number} */ right, /** @type {number} */ up) =>
    /** @type {import('./drawing.js').Point} */ ([x + right * unit, y - up * unit]);
  d.arrow([at(-2.2, 0), at(2.4, 0)]);
  d.arrow([at(0, -2), at(0, 2.1)]);
  d.text(at(2.45, -0.4), 'w / γ', { small: true, anchor: 'end' });
  d.arrow([at(-1.8, -1), at(-0.5, -1), at(-0.5, 0), at(0.5, 0), at(0.5, 1), at(1.8, 1)], {
    kind: 'trit',
    head: false,
  });
  d.arrow([at(-1.8, -1.8), at(1.8, 1.8)], { kind: 'norm', dashed: true, head: false });
  d.text(at(1.15, 0.62), 'forward', { small: true, anchor: 'start' });
  d.text(at(1.95, 1.5), 'backward', { small: true, anchor: 'start' });
  d.text(at(-0.15, 1), '+1', { small: true, anchor: 'end' });
  d.text(at(0.15, -1.05), '−1', { small: true, anchor: 'start' });
  d.text(at(0.5, -0.36), '½', { small: true });
  d.text(at(-0.5, 0.16), '−½', { small: true });
}
