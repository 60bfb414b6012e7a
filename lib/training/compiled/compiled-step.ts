/**
 * A training step as one call of TensorFlow: forward, backward, clipping, AdamW and the guard are one graph, and the
 * weights and moments live in it. The graph is made from the calls of an eager step and gives the same bits.
 */
import * as tf from '@tensorflow/tfjs';
import { native, nativeId, type NativeTensor } from '../../backend/binding.js';
import { Graph, NoGraphError } from '../../backend/graph/graph.js';
import { addRecording, record } from '../../backend/graph/recording.js';
import { DATA_TYPES } from '../../backend/graph/saved-model.js';
import { GraphSession, type Feed } from '../../backend/graph/session.js';
import type { TokenWindows } from '../../corpora/corpus.js';
import type { BitLM } from '../../model/bitlm.js';
import { correctedRates, DEFAULT_EPSILON, type AdamWState } from '../adamw.js';
import { differentiate, halfSquares, normOf, type LossAndGradients, type StepResult } from '../step.js';
import {
  addUpdate,
  addVariables,
  PLACES,
  type Kind,
  type LearnedTensor,
  type UpdateConstants,
} from './update-nodes.js';

const { float32, int32 } = DATA_TYPES;
const INPUTS = 'inputs';
const TARGETS = 'targets';

/** What a step is computed on. */
export interface StepBatch {
  batch: TokenWindows;
  /** In the batch. */
  sequences: number;
}

/** Takes the gradients of a batch as lossAndGradients does, and makes a graph of it. On tfjs-node alone. */
export function recordStep(
  model: BitLM,
  { batch, sequences }: StepBatch,
  constants: UpdateConstants,
): { found: LossAndGradients; graph: Graph | NoGraphError } {
  const inputs = tf.tensor1d(batch.inputs, 'int32');
  const targets = tf.tensor1d(batch.targets, 'int32');
  const factor = tf.scalar(1);
  const parameters = [...model.parameters];
  const weights = parameters.map(([, weight]) => weight);
  const recording = record([inputs, targets, ...weights], () => {
    const { value, gradients } = differentiate(model, inputs, targets, sequences, factor);
    return { value, gradients, halves: halfSquares(gradients) };
  });
  const { value, gradients, halves } = recording.result;
  const build = (): Graph => {
    const graph = new Graph();
    const learned = parameters.map(([name, { shape }]) => ({ name, shape }));
    const places = new Map<tf.Tensor, string>([
      [inputs, graph.placeholder(INPUTS, int32, inputs.shape)],
      [targets, graph.placeholder(TARGETS, int32, targets.shape)],
    ]);
    addVariables(graph, learned).forEach((place, i) => places.set(weights[i], place));
    const placeOf = addRecording(graph, recording, 'call', places);
    const ends = { loss: placeOf(value), halves: placeOf(halves), gradients: gradients.map(placeOf) };
    addUpdate(
      graph,
      learned,
      weights.map((weight) => places.get(weight)!),
      ends,
      constants,
    );
    return graph;
  };
  let graph: Graph | NoGraphError;
  try {
    graph = build();
  } catch (error) {
    if (!(error instanceof NoGraphError)) throw error;
    graph = error;
  }
  const loss = value.dataSync()[0];
  tf.dispose([inputs, targets, factor, value, halves]);
  return { found: { loss, gradients: new Map(parameters.map(([name], i) => [name, gradients[i]])) }, graph };
}

/** A step's graph, loaded. Holds weights and moments from {@link CompiledStep.write} on. */
export class CompiledStep {
  private updates = 0;

  private constructor(
    private readonly session: GraphSession,
    private readonly learned: readonly LearnedTensor[],
    /** Tokens in a batch, B·T. */
    private readonly tokens: number,
    private readonly constants: UpdateConstants,
  ) {}

  /** @throws NoGraphError where TensorFlow does not take the graph */
  static open(graph: Graph, model: BitLM, tokens: number, constants: UpdateConstants): CompiledStep {
    const learned = Array.from(model.parameters, ([name, { shape }]) => ({ name, shape }));
    return new CompiledStep(GraphSession.open(graph), learned, tokens, constants);
  }

  /** One update; nothing is updated where the loss or the gradient is not finite. */
  step(batch: TokenWindows, rates: { learningRate: number; weightDecay: number }): StepResult {
    const { tokens } = this;
    if (batch.inputs.length !== tokens || batch.targets.length !== tokens) {
      throw new NoGraphError(
        `a batch has ${batch.inputs.length} tokens, and the graph was made for ${tokens}`,
      );
    }
    const { learningRate, weightDecay } = rates;
    const corrected = correctedRates(this.updates + 1, learningRate, this.constants.betas, DEFAULT_EPSILON);
    const numbers = [corrected.rate, corrected.epsilon, 1 - learningRate * weightDecay];
    const feeds = new Map<string, Feed>([
      [INPUTS, { type: int32, shape: [tokens], values: batch.inputs }],
      [TARGETS, { type: int32, shape: [tokens], values: batch.targets }],
      ...PLACES.rates.map((name, i): [string, Feed] => [
        name,
        { type: float32, shape: [], values: Float32Array.of(numbers[i]) },
      ]),
    ]);
    const [[loss], halves] = this.session.values(feeds, [PLACES.step, PLACES.halves]);
    const gradientNorm = normOf(halves as Float32Array);
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) this.updates++;
    return { loss, gradientNorm };
  }

  /** Sets the weights, in the order of the model's parameters. */
  writeWeights(weights: readonly tf.Tensor[]): void {
    // TensorFlow has their values already: only their numbers are handed over.
    this.set('weight', weights.map(nativeId));
  }

  /** Sets the moments. */
  writeState({ updates, first, second }: AdamWState): void {
    const feeds = (values: ReadonlyMap<string, Float32Array>): Feed[] =>
      this.learned.map(({ name, shape }) => ({ type: float32, shape, values: values.get(name)! }));
    this.set('first', feeds(first));
    this.set('second', feeds(second));
    this.updates = updates;
  }

  /** The weights, in the order of the model's parameters. The caller frees them. */
  weights(): tf.Tensor[] {
    return this.get('weight').map((tensor) => native().createOutputTensor(tensor));
  }

  /** The moments as plain values. */
  state(): AdamWState {
    const { binding } = native();
    const read = (kind: Kind): Map<string, Float32Array> =>
      new Map(
        this.get(kind).map(({ id }, i) => {
          const values = binding.tensorDataSync(id) as Float32Array;
          binding.deleteTensor(id);
          return [this.learned[i].name, values];
        }),
      );
    return { updates: this.updates, first: read('first'), second: read('second') };
  }

  /** Frees the graph with its weights and moments. */
  close(): void {
    this.session.close();
  }

  private get(kind: Kind): NativeTensor[] {
    return this.session.run(
      new Map(),
      this.learned.map((_, i) => PLACES.value(kind, i)),
    );
  }

  private set(kind: Kind, feeds: readonly Feed[]): void {
    this.session.values(new Map(feeds.map((feed, i) => [PLACES.newValue(kind, i), feed])), [
      PLACES.set(kind),
    ]);
  }
}
