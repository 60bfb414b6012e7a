/** The two engines of this project and the checkpoint that both know. */
export const engines = {
  width: 780,
  height: 300,
  title:
    'Two engines meet at the checkpoint: TensorFlow.js trains latent float weights and writes config.json and ' +
    'model.safetensors; the WebAssembly kernel reads them, packs the trits into two bits and adds integers.',

  /** @param {import('./drawing.js').Drawing} d */
  draw(d) {
    d.text([114, 26], 'Training', { bold: true });
    d.text([114, 43], 'TensorFlow.js', { small: true, muted: true });
    d.box('float', [8, 58], [212, 56], ['latent weights', 'float, 32 bits']);
    d.box('plain', [8, 140], [212, 56], ['quantized in every step', 'int8 inputs, ternary weights']);
    d.arrow([
      [84, 114],
      [84, 140],
    ]);
    d.arrow(
      [
        [144, 140],
        [144, 114],
      ],
      { dashed: true, kind: 'norm' },
    );
    d.text([154, 131], 'gradients', { anchor: 'start', small: true });

    d.text([390, 26], 'Checkpoint: a folder', { bold: true });
    d.text([390, 43], 'as transformers has it', { small: true, muted: true });
    d.box('plain', [284, 58], [212, 138], []);
    ['config.json', 'model.safetensors', 'tokenizer.json'].forEach((name, i) => {
      d.text([300, 86 + i * 40], name, { anchor: 'start', bold: true });
      d.text(
        [300, 102 + i * 40],
        ['shapes, names, quantizers', 'weights, one tensor a matrix', 'text to ids and back'][i],
        {
          anchor: 'start',
          small: true,
        },
      );
    });

    d.text([666, 26], 'Inference', { bold: true });
    d.text([666, 43], 'WebAssembly', { small: true, muted: true });
    d.box('trit', [560, 58], [212, 56], ['trits, packed', '2 bits a weight, one scale a matrix']);
    d.box('integer', [560, 140], [212, 56], ['int8 × trits: add, subtract', 'the same values, to rounding']);
    d.arrow([
      [666, 114],
      [666, 140],
    ]);

    d.arrow([
      [220, 86],
      [284, 86],
    ]);
    d.text([252, 78], 'save', { small: true });
    d.arrow([
      [496, 86],
      [560, 86],
    ]);
    d.text([528, 78], 'load', { small: true });
    d.box('trit', [284, 236], [212, 52], ['BitNet b1.58 2B4T', 'from the Hub, packed already']);
    d.arrow([
      [496, 262],
      [528, 262],
      [528, 104],
      [560, 104],
    ]);
  },
};
