/** One layer of BitLM: two branches beside the residual stream, with its four norms and seven BitLinears. */
export const block = {
  width: 780,
  height: 520,
  title:
    'A layer: attention and feed-forward, each a branch of the residual stream. A norm stands before every quantizer: ' +
    'input_layernorm, attn_sub_norm, post_attention_layernorm and ffn_sub_norm. The seven matrices are BitLinears.',

  /** @param {import('./drawing.js').Drawing} d */
  draw(d) {
    const [left, right] = [16, 406];
    const stream = (/** @type {number} */ x) => x + 16;
    const boxes = (/** @type {number} */ x) => ({ x: x + 44, width: 316, middle: x + 202 });

    for (const x of [left, right]) {
      d.arrow([
        [stream(x), 40],
        [stream(x), 433],
      ]);
      d.arrow([
        [stream(x), 66],
        [boxes(x).x, 66],
      ]);
      d.sign([stream(x), 444], '+');
    }
    d.text([left, 28], 'h: residual stream, [tokens, hidden], float', { anchor: 'start', small: true });
    d.arrow(
      [
        [stream(left), 455],
        [stream(left), 490],
        [386, 490],
        [386, 20],
        [stream(right), 20],
        [stream(right), 40],
      ],
      { head: false },
    );
    d.arrow([
      [stream(right), 455],
      [stream(right), 496],
    ]);
    d.text([stream(right) + 14, 494], 'to the next layer', { anchor: 'start', small: true });

    attention(d, boxes(left), stream(left));
    feedForward(d, boxes(right), stream(right));
  },
};

/**
 * @typedef {{ x: number, width: number, middle: number }} Column
 * @param {import('./drawing.js').Drawing} d
 * @param {Column} column
 * @param {number} stream
 */
function attention(d, { x, width, middle }, stream) {
  d.box('norm', [x, 46], [width, 40], ['input_layernorm', 'RMSNorm']);
  const third = (width - 16) / 3;
  ['q_proj', 'k_proj', 'v_proj'].forEach((name, i) => {
    const from = x + i * (third + 8);
    d.arrow([
      [from + third / 2, 86],
      [from + third / 2, 112],
    ]);
    d.box('trit', [from, 112], [third, 46], [name, i === 0 ? '[h·d, hidden]' : '[kv·d, hidden]']);
    d.arrow([
      [from + third / 2, 158],
      [from + third / 2, i === 2 ? 234 : 184],
    ]);
  });
  d.box('plain', [x, 184], [2 * third + 8, 34], ['rotary positions']);
  for (const i of [0, 1])
    d.arrow([
      [x + i * (third + 8) + third / 2, 218],
      [x + i * (third + 8) + third / 2, 234],
    ]);
  d.box('plain', [x, 234], [width, 46], ['attention', 'softmax(q kᵀ / √d) v; h heads, d wide each']);
  down(d, middle, 280, '[tokens, h·d]');
  d.box('norm', [x, 310], [width, 40], ['attn_sub_norm', 'RMSNorm: SubLN']);
  down(d, middle, 350, '');
  d.box('trit', [x, 374], [width, 40], ['o_proj', '[hidden, h·d]']);
  d.arrow([
    [middle, 414],
    [middle, 444],
    [stream + 11, 444],
  ]);
}

/** @param {import('./drawing.js').Drawing} d @param {Column} column @param {number} stream */
function feedForward(d, { x, width, middle }, stream) {
  d.box('norm', [x, 46], [width, 40], ['post_attention_layernorm', 'RMSNorm']);
  const half = (width - 12) / 2;
  ['gate_proj', 'up_proj'].forEach((name, i) => {
    const from = x + i * (half + 12);
    d.arrow([
      [from + half / 2, 86],
      [from + half / 2, 112],
    ]);
    d.box('trit', [from, 112], [half, 46], [name, '[inner, hidden]']);
    d.arrow([
      [from + half / 2, 158],
      [from + half / 2, 210],
    ]);
  });
  d.box('plain', [x, 210], [width, 46], ['relu(gate)² · up', 'squared ReLU: most values are 0']);
  down(d, middle, 256, '[tokens, inner]');
  d.box('norm', [x, 310], [width, 40], ['ffn_sub_norm', 'RMSNorm: SubLN']);
  down(d, middle, 350, '');
  d.box('trit', [x, 374], [width, 40], ['down_proj', '[hidden, inner]']);
  d.arrow([
    [middle, 414],
    [middle, 444],
    [stream + 11, 444],
  ]);
  legend(d, x);
}

/** @param {import('./drawing.js').Drawing} d @param {number} middle @param {number} y @param {string} shape */
function down(d, middle, y, shape) {
  const to = y < 300 ? 310 : 374;
  d.arrow([
    [middle, y],
    [middle, to],
  ]);
  if (shape !== '') d.text([middle + 8, (y + to) / 2 + 4], shape, { anchor: 'start', small: true });
}

/** @param {import('./drawing.js').Drawing} d @param {number} x */
function legend(d, x) {
  d.box('trit', [x + 112, 482], [18, 16], []);
  d.text([x + 136, 494], 'BitLinear [out, in]: int8 × trits', { anchor: 'start', small: true });
}
