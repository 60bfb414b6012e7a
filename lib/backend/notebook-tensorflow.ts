/**
 * TensorFlow.js as a notebook's cells see it: the operations that layers, quantizers and small classifiers are made of,
 * with plain types. The whole of TensorFlow.js is behind them (its guide applies as it stands); its own types would cost
 * every cell half a second. A test holds these against the real ones.
 */

/** Values of one number, or lists of lists of them. */
export type Nested = number | readonly Nested[];
/** What an operation takes beside a tensor: a number or nested lists stand for a tensor. */
export type TensorLike = Tensor | number | readonly number[] | readonly (readonly number[])[] | Float32Array;
export type DataType = 'float32' | 'int32' | 'bool';

/** An array of numbers with a shape, held by TensorFlow. Operations never change it: they return new ones. */
export interface Tensor {
  readonly shape: number[];
  readonly size: number;
  readonly rank: number;
  readonly dtype: string;
  readonly isDisposed: boolean;
  /** The values, row-major. */
  dataSync(): Float32Array | Int32Array | Uint8Array;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  /** The values as nested lists. */
  arraySync(): unknown;
  print(): void;
  dispose(): void;
  clone(): Tensor;
  abs(): Tensor;
  add(other: TensorLike): Tensor;
  argMax(axis?: number): Tensor;
  cast(type: DataType): Tensor;
  ceil(): Tensor;
  clipByValue(low: number, high: number): Tensor;
  div(other: TensorLike): Tensor;
  equal(other: TensorLike): Tensor;
  exp(): Tensor;
  floor(): Tensor;
  greater(other: TensorLike): Tensor;
  less(other: TensorLike): Tensor;
  log(): Tensor;
  matMul(other: TensorLike, transposeA?: boolean, transposeB?: boolean): Tensor;
  max(axis?: number | number[], keepDims?: boolean): Tensor;
  maximum(other: TensorLike): Tensor;
  mean(axis?: number | number[], keepDims?: boolean): Tensor;
  min(axis?: number | number[], keepDims?: boolean): Tensor;
  minimum(other: TensorLike): Tensor;
  mul(other: TensorLike): Tensor;
  neg(): Tensor;
  pow(exponent: TensorLike): Tensor;
  relu(): Tensor;
  reshape(shape: number[]): Tensor;
  round(): Tensor;
  rsqrt(): Tensor;
  sigmoid(): Tensor;
  sign(): Tensor;
  slice(begin: number | number[], size?: number | number[]): Tensor;
  softmax(): Tensor;
  sqrt(): Tensor;
  square(): Tensor;
  sub(other: TensorLike): Tensor;
  sum(axis?: number | number[], keepDims?: boolean): Tensor;
  tanh(): Tensor;
  tile(repeats: number[]): Tensor;
  transpose(order?: number[]): Tensor;
}

/** A tensor whose values an optimizer changes. */
export interface Variable extends Tensor {
  readonly name: string;
  assign(value: Tensor): void;
}

/** A function of one tensor, such as a quantizer. */
export type TensorFunction = (x: Tensor) => Tensor;

/** What a function with a gradient of its own returns; see `tf.customGrad`. */
export interface WithGradient {
  value: Tensor;
  /** From the gradient of the value to the gradient of the input. `saved`: the tensors given to `save`. */
  gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor;
}

/** A layer of `tf.sequential`. */
export interface Layer {
  readonly name: string;
  getWeights(): Tensor[];
}

/** A model of `tf.sequential`. */
export interface SequentialModel {
  add(layer: Layer): void;
  compile(options: { optimizer: unknown; loss: string; metrics?: string[] }): void;
  fit(
    x: Tensor,
    y: Tensor,
    options?: {
      epochs?: number;
      batchSize?: number;
      verbose?: 0 | 1;
      shuffle?: boolean;
      validationData?: [Tensor, Tensor];
      /** Called after each pass over the data, with the loss and the metrics that the model was compiled with. */
      callbacks?: { onEpochEnd?(epoch: number, logs?: Record<string, number>): void };
    },
  ): Promise<{ history: Record<string, (number | Tensor)[]> }>;
  predict(x: Tensor): Tensor | Tensor[];
  evaluate(x: Tensor, y: Tensor, options?: { batchSize?: number; verbose?: 0 | 1 }): Tensor | Tensor[];
  countParams(): number;
  /** Saves to a folder, as `file://` and its path. */
  save(url: string): Promise<unknown>;
  summary(): void;
  dispose(): unknown;
}

/** Options of `tf.layers.dense`: those that matter most. */
export interface DenseOptions {
  /** Width of the output. */
  units: number;
  /** For the first layer of a model: the shape of one example. */
  inputShape?: number[];
  activation?: 'relu' | 'softmax' | 'sigmoid' | 'tanh' | 'linear';
  /** True by default. */
  useBias?: boolean;
  name?: string;
}

/** The operations of TensorFlow.js that notebooks use. */
export interface TensorFlow {
  tensor(values: Nested | Float32Array | Int32Array, shape?: number[], type?: DataType): Tensor;
  tensor1d(values: readonly number[] | Float32Array | Int32Array, type?: DataType): Tensor;
  tensor2d(
    values: readonly (readonly number[])[] | readonly number[] | Float32Array | Int32Array,
    shape?: [number, number],
    type?: DataType,
  ): Tensor;
  scalar(value: number, type?: DataType): Tensor;
  zeros(shape: number[]): Tensor;
  ones(shape: number[]): Tensor;
  zerosLike(x: Tensor): Tensor;
  onesLike(x: Tensor): Tensor;
  fill(shape: number[], value: number): Tensor;
  range(start: number, stop: number, step?: number, type?: 'float32' | 'int32'): Tensor;
  linspace(start: number, stop: number, count: number): Tensor;
  randomNormal(shape: number[], mean?: number, deviation?: number, type?: 'float32', seed?: number): Tensor;
  randomUniform(shape: number[], low?: number, high?: number, type?: 'float32', seed?: number): Tensor;
  variable(initial: Tensor, trainable?: boolean, name?: string): Variable;

  abs(x: TensorLike): Tensor;
  add(a: TensorLike, b: TensorLike): Tensor;
  cast(x: Tensor, type: DataType): Tensor;
  clipByValue(x: TensorLike, low: number, high: number): Tensor;
  concat(parts: Tensor[], axis?: number): Tensor;
  cos(x: TensorLike): Tensor;
  div(a: TensorLike, b: TensorLike): Tensor;
  equal(a: TensorLike, b: TensorLike): Tensor;
  exp(x: TensorLike): Tensor;
  floor(x: TensorLike): Tensor;
  gather(x: Tensor, indices: Tensor, axis?: number): Tensor;
  greater(a: TensorLike, b: TensorLike): Tensor;
  less(a: TensorLike, b: TensorLike): Tensor;
  log(x: TensorLike): Tensor;
  logSoftmax(x: Tensor, axis?: number): Tensor;
  matMul(a: TensorLike, b: TensorLike, transposeA?: boolean, transposeB?: boolean): Tensor;
  max(x: TensorLike, axis?: number | number[], keepDims?: boolean): Tensor;
  maximum(a: TensorLike, b: TensorLike): Tensor;
  mean(x: TensorLike, axis?: number | number[], keepDims?: boolean): Tensor;
  min(x: TensorLike, axis?: number | number[], keepDims?: boolean): Tensor;
  minimum(a: TensorLike, b: TensorLike): Tensor;
  moments(x: Tensor, axis?: number | number[], keepDims?: boolean): { mean: Tensor; variance: Tensor };
  mul(a: TensorLike, b: TensorLike): Tensor;
  neg(x: TensorLike): Tensor;
  oneHot(ids: Tensor, depth: number): Tensor;
  outerProduct(a: Tensor, b: Tensor): Tensor;
  pow(x: TensorLike, exponent: TensorLike): Tensor;
  relu(x: TensorLike): Tensor;
  reshape(x: Tensor, shape: number[]): Tensor;
  reverse(x: Tensor, axis?: number | number[]): Tensor;
  round(x: TensorLike): Tensor;
  rsqrt(x: TensorLike): Tensor;
  sigmoid(x: TensorLike): Tensor;
  sign(x: TensorLike): Tensor;
  sin(x: TensorLike): Tensor;
  slice(x: Tensor, begin: number | number[], size?: number | number[]): Tensor;
  softmax(x: Tensor): Tensor;
  split(x: Tensor, parts: number | number[], axis?: number): Tensor[];
  sqrt(x: TensorLike): Tensor;
  square(x: TensorLike): Tensor;
  stack(parts: Tensor[], axis?: number): Tensor;
  sub(a: TensorLike, b: TensorLike): Tensor;
  sum(x: TensorLike, axis?: number | number[], keepDims?: boolean): Tensor;
  transpose(x: Tensor, order?: number[]): Tensor;
  where(condition: Tensor, ifTrue: TensorLike, ifFalse: TensorLike): Tensor;

  /** A function with a gradient of its own. `save` keeps tensors for it. */
  customGrad(f: (x: Tensor, save: (tensors: Tensor[]) => void) => WithGradient): TensorFunction;
  /** The gradient of a function of one tensor; `dy` stands for the gradient of its value. */
  grad(f: (x: Tensor) => Tensor): (x: Tensor, dy?: Tensor) => Tensor;
  grads(f: (...inputs: Tensor[]) => Tensor): (inputs: Tensor[], dy?: Tensor) => Tensor[];
  valueAndGrad(f: (x: Tensor) => Tensor): (x: Tensor, dy?: Tensor) => { value: Tensor; grad: Tensor };
  valueAndGrads(
    f: (...inputs: Tensor[]) => Tensor,
  ): (inputs: Tensor[], dy?: Tensor) => { value: Tensor; grads: Tensor[] };
  /** Runs a function and frees all tensors that it made, except those it returns. */
  tidy<T>(f: () => T): T;
  keep(x: Tensor): Tensor;
  dispose(tensors: unknown): void;
  memory(): { numTensors: number; numBytes: number };

  sequential(options?: { layers?: Layer[] }): SequentialModel;
  /** A saved model, of `file://`, the folder and `/model.json`. */
  loadLayersModel(url: string): Promise<SequentialModel>;
  readonly layers: {
    dense(options: DenseOptions): Layer;
    dropout(options: { rate: number }): Layer;
    flatten(options?: { inputShape?: number[] }): Layer;
  };
  readonly train: {
    adam(rate?: number): unknown;
    sgd(rate: number): unknown;
  };
}
