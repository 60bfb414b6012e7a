/**
 * bitDense: BitLinear as a layer of TensorFlow.js, in the place of `tf.layers.dense`.
 * Legend: B batch, C input features, N rows (all leading dimensions together).
 */
import * as tf from '@tensorflow/tfjs';
import {
  ACTIVATION_QUANTIZERS,
  BITNET_B158,
  WEIGHT_QUANTIZERS,
  type AblationOptions,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from '../ablation-options.js';
import { STANDARD_NORMAL_STEP } from '../quantizers/activations.js';
import { OwnQuantizer } from '../quantizers/own-quantizer.js';
import type { OwnQuantizers } from '../quantizers/own-quantizers.js';
import type { QuantizerFunction } from '../quantizers/quantizer-function.js';
import { quantizeWeights, type QuantizedWeights } from '../quantizers/weights.js';
import { quote } from '../io/quote.js';
import { bitLinear } from './fused/bitlinear.js';
import { RMS_NORM_EPS } from '../config.js';

type DenseArgs = Parameters<typeof tf.layers.dense>[0];

/** Arguments of {@link bitDense}: those of `tf.layers.dense`, and what BitLinear adds. */
export interface BitDenseArgs extends DenseArgs {
  /** `absmean-ternary` by default. A function gets the kernel as [units, C]. */
  weightQuantizer?: WeightQuantizerName | QuantizerFunction;
  /** `absmax-int8-token` by default. A function gets rows of features, [N, C]. */
  activationQuantizer?: ActivationQuantizerName | QuantizerFunction;
  /** `identity` by default, as in the papers; `clipped` blocks the gradient where a quantizer saturates. */
  straightThrough?: AblationOptions['straight_through'];
  /**
   * Where the norm stands before the quantizer. `outside`, the default, as in 2B4T: the layer has none, and the model
   * places norms where it wants them. `inside`, as BitLinear is drawn in the papers: an RMSNorm with a learned gain is
   * part of the layer. It takes the length out of every input row, so it is not for the first layer of a model whose
   * inputs differ in nothing but their length, such as one number x.
   */
  norm?: 'inside' | 'outside';
  /** ε of the norm inside, 1e-5 by default. */
  normEpsilon?: number;
  /**
   * First value of the learned step where the activation quantizer is `elastic-int8`; by default LSQ's for inputs of
   * variance 1. `initialElasticStep` finds it for others.
   */
  initialStep?: number;
}

/** What BitDense uses of `tf.layers.dense`'s class, which TensorFlow.js does not export. */
interface DenseParts {
  readonly units: number;
  readonly useBias: boolean;
  readonly kernel: tf.LayerVariable;
  readonly bias: tf.LayerVariable | null;
  readonly activation: { apply(x: tf.Tensor): tf.Tensor };
}

// With a name of its own this instance takes no number from the names that TensorFlow.js gives to layers.
const Dense: new (args: DenseArgs) => tf.layers.Layer & DenseParts = tf.layers.dense({
  units: 1,
  name: 'dense_base_of_bit_dense',
}).constructor as new (args: DenseArgs) => tf.layers.Layer & DenseParts;

/** A reader's quantizer in the config of a saved layer. */
interface SavedQuantizer {
  own: string;
}

/** Readers' quantizers that layers of this process were made with, by id: a saved layer finds its own again. */
const ownById = new Map<string, OwnQuantizer>();

/**
 * The layer that {@link bitDense} makes. It is a Dense layer with another product, so it has the same weights (kernel
 * [C, units], bias [units]), initializers, regularizers and constraints.
 */
export class BitDense extends Dense {
  static readonly className = 'BitDense';
  readonly #options: Required<
    Pick<BitDenseArgs, 'straightThrough' | 'norm' | 'normEpsilon' | 'initialStep'>
  > & { weightQuantizer: WeightQuantizerName; activationQuantizer: ActivationQuantizerName };
  readonly #own: OwnQuantizers;
  #gain: tf.LayerVariable | undefined;
  #step: tf.LayerVariable | undefined;

  constructor(args: BitDenseArgs) {
    super(args);
    const {
      weightQuantizer = BITNET_B158.weight_quantizer,
      activationQuantizer = BITNET_B158.activation_quantizer,
      straightThrough = BITNET_B158.straight_through,
      norm = 'outside',
      normEpsilon = RMS_NORM_EPS,
      initialStep = STANDARD_NORMAL_STEP,
    } = args;
    const weights = quantizerOf('weightQuantizer', weightQuantizer, WEIGHT_QUANTIZERS);
    const activations = quantizerOf('activationQuantizer', activationQuantizer, ACTIVATION_QUANTIZERS);
    requireOneOf('straightThrough', straightThrough, ['identity', 'clipped']);
    requireOneOf('norm', norm, ['inside', 'outside']);
    requirePositive('normEpsilon', normEpsilon);
    requirePositive('initialStep', initialStep);
    this.#own = { weights: weights.own, activations: activations.own };
    this.#options = {
      weightQuantizer: weights.name,
      activationQuantizer: activations.name,
      straightThrough,
      norm,
      normEpsilon,
      initialStep,
    };
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = singleShape(inputShape);
    const features = shape[shape.length - 1];
    if (!Number.isInteger(features)) {
      throw new Error(
        `bitDense: the last dimension of the input must be known, got [${shape.join(', ')}] in layer ${this.name}. ` +
          'Pass inputShape to the first layer.',
      );
    }
    const isNew = !this.built;
    super.build(inputShape);
    if (!isNew) return;
    const { norm, activationQuantizer, initialStep } = this.#options;
    if (norm === 'inside') this.#gain = this.#addWeight('norm_gain', [features], 1);
    if (activationQuantizer === 'elastic-int8')
      this.#step = this.#addWeight('activation_step', [1], initialStep);
  }

  #addWeight(name: string, shape: tf.Shape, value: number): tf.LayerVariable {
    return this.addWeight(name, shape, 'float32', tf.initializers.constant({ value }));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...singleShape(inputShape).slice(0, -1), this.units];
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Parameters<tf.layers.Layer['call']>[1]): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = Array.isArray(inputs) ? inputs[0] : inputs; // (B, …, C)
      const { weightQuantizer, activationQuantizer, straightThrough, normEpsilon } = this.#options;
      const kernel = this.kernel.read(); // (C, units)
      const rows = tf.cast<tf.Tensor2D>(tf.reshape(x, [-1, kernel.shape[0]]), 'float32'); // (N, C)
      const product = bitLinear(rows, [tf.transpose(kernel) as tf.Tensor2D], {
        weight_quantizer: weightQuantizer,
        activation_quantizer: activationQuantizer,
        straight_through: straightThrough,
        own: this.#own,
        norm: this.#gain && { gain: this.#gain.read() as tf.Tensor1D, epsilon: normEpsilon },
        step: this.#step && (this.#step.read() as tf.Tensor1D),
      }); // (N, units)
      const biased = this.bias ? tf.add(product, this.bias.read()) : product;
      const shaped = tf.reshape(biased, [...x.shape.slice(0, -1), this.units]); // (B, …, units)
      return this.activation.apply(shaped);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { weights, activations } = this.#own;
    return {
      ...super.getConfig(),
      ...this.#options,
      ...(weights && { weightQuantizer: { own: weights.id } }),
      ...(activations && { activationQuantizer: { own: activations.id } }),
    };
  }

  /**
   * The integers that the layer multiplies by, [units, C] as checkpoints store them, and their scale. They come from
   * the transposed kernel, as in every call: the order of the weights is the order of the sum behind the scale.
   * @throws Error where the layer is not built yet, and where its weight quantizer is `none` or the reader's own
   */
  quantizedKernel(): QuantizedWeights {
    if (!this.built) {
      throw new Error(
        `bitDense: layer ${this.name} must be built first, got no kernel yet. Add it to a model with an inputShape.`,
      );
    }
    const { weights: own } = this.#own;
    if (own) {
      throw new Error(
        `bitDense: quantizedKernel must be asked of a layer with a named quantizer, got ${own.id} in ${this.name}. ` +
          'Call the function on the kernel, layer.getWeights()[0].',
      );
    }
    const weights = tf.tidy(() => tf.transpose(this.kernel.read()).dataSync<'float32'>());
    return quantizeWeights(this.#options.weightQuantizer, weights);
  }
}

tf.serialization.registerClass(BitDense as unknown as Parameters<typeof tf.serialization.registerClass>[0]);

/**
 * A fully connected layer with quantized weights and activations: y = activation(Q_a(norm(x)) · Q_w(kernel) + bias)
 * (BitLinear: arXiv 2310.11453, section 2.1; arXiv 2402.17764, section 2). A drop-in for `tf.layers.dense` in any
 * `tf.sequential` model: it trains with `model.fit`, saves and loads. Import this file before `tf.loadLayersModel`, so
 * that the layer is known. The kernel is saved in full precision and quantized in every call.
 *
 * Input [B, …, C] of any rank from 2; output [B, …, units].
 * @throws Error for unknown quantizers, other options out of range, and inputs of another shape
 */
export function bitDense(args: BitDenseArgs): BitDense {
  return new BitDense(args);
}

function singleShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
  if (!Array.isArray(shape[0])) return shape as tf.Shape;
  if (shape.length === 1) return shape[0];
  throw new Error(`bitDense: must have one input, got ${shape.length}. Concatenate them first.`);
}

/** The name of a quantizer, `none` beside one of the reader's own. */
function quantizerOf<Name extends string>(
  option: 'weightQuantizer' | 'activationQuantizer',
  given: Name | QuantizerFunction | SavedQuantizer,
  names: readonly Name[],
): { name: Name; own?: OwnQuantizer } {
  const none = 'none' as Name;
  if (typeof given === 'function') {
    const own = new OwnQuantizer(option, given);
    ownById.set(own.id, own);
    return { name: none, own };
  }
  if (typeof given === 'object' && given !== null) {
    const own = ownById.get(given.own);
    if (own) return { name: none, own };
    throw new Error(
      `bitDense: ${option} must be the function ${quote(given.own)}, which the layer was saved with, got none. ` +
        `Run the cell that defines it and call bitDense with it once, then load again.`,
    );
  }
  requireOneOf(option, given, names);
  return { name: given };
}

function requireOneOf(name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new Error(`bitDense: ${name} must be one of ${choices.join(', ')}, got ${JSON.stringify(value)}.`);
}

function requirePositive(name: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new Error(`bitDense: ${name} must be a finite number above 0, got ${value}.`);
}
