/** bitDense as notebooks import it: its layer is made by lib/model/bit-dense.ts once TensorFlow is loaded. */
import type { DenseOptions, Layer } from '../backend/notebook-tensorflow.js';
import type { AblationOptions, ActivationQuantizerName, WeightQuantizerName } from '../ablation-options.js';
import type { QuantizerFunction } from '../quantizers/quantizer-function.js';
import type { QuantizedWeights } from '../quantizers/weights.js';

/** Options of {@link bitDense}: those of `tf.layers.dense` that matter most, and what BitLinear adds. */
export interface BitDenseOptions extends DenseOptions {
  /** `absmean-ternary` by default; a function gets the kernel as [units, in]. */
  weightQuantizer?: WeightQuantizerName | QuantizerFunction;
  /** `absmax-int8-token` by default; a function gets rows of features. */
  activationQuantizer?: ActivationQuantizerName | QuantizerFunction;
  /** `identity` by default, as in the papers. */
  straightThrough?: AblationOptions['straight_through'];
  /** `inside` puts an RMSNorm before the quantizer; `outside`, the default, leaves norms to the model. */
  norm?: 'inside' | 'outside';
}

/** The layer that bitDense makes. */
export interface BitDenseLayer extends Layer {
  /** The integers that the layer multiplies by, [units, in], and their scale. */
  quantizedKernel(): QuantizedWeights;
}

type Make = (options: BitDenseOptions) => BitDenseLayer;
let make: Make | undefined;

/** Called by loadTraining. */
export function provideBitDense(loaded: Make): void {
  make = loaded;
}

/**
 * A fully connected layer with quantized weights and activations: a drop-in for `tf.layers.dense` in a `tf.sequential`
 * model, which trains with `model.fit`, saves and loads (BitLinear: arXiv 2310.11453, section 2.1; arXiv 2402.17764,
 * section 2). Weights stay in full precision and are quantized in every call.
 * @throws Error before loadTraining, and for options out of range
 */
export function bitDense(options: BitDenseOptions): BitDenseLayer {
  if (make) return make(options);
  throw new Error(
    'bitDense: TensorFlow must be loaded, got none yet. Call first: const training = await loadTraining().',
  );
}
