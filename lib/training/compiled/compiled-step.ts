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
import type { BitLM } from '../../model/bitlm.js';
import { correctedRates, DEFAULT_EPSILON, type AdamWState } from '../adamw.js';
import {
  differentiate,
  halfSquares,
  meanLoss,
  normOf,
  PartTensors,
  sumOfParts,
  type LossAndGradients,
  type StepResult,
} from '../step.js';
import type { BatchPart } from '../split-batch.js';
import { addUpdate, addWeights, PLACES, type UpdateConstants } from './update-nodes.js';
import { addVariables, VALUES, type Kind, type LearnedTensor } from './variables.js';

const { float32, int32 } = DATA_TYPES;

/** Takes the gradients of a batch as lossAndGradients does, and makes a graph of it. On tfjs-node alone. */
export function recordStep(
  model: BitLM,
  batch: readonly BatchPart[],
  constants: UpdateConstants,
): { found: LossAndGradients; graph: Graph | NoGraphError } {
  const parameters = [...model.parameters];
  const weights = parameters.map(([, weight]) => weight);
  const parts = batch.map((part) => {
    const tensors = new PartTensors(part);
    const inputs = [tensors.inputs, tensors.targets, ...weights];
    return { tensors, recording: record(inputs, () => differentiate(model, tensors)) };
  });
  const found = parts.map(({ recording }) => recording.result);
  const ofParts = found.map(({ gradients }) => gradients);
  const sum = record(ofParts.flat(), () => {
    const gradients = sumOfParts(ofParts);
    return { gradients, halves: halfSquares(gradients) };
  });
  const build = (): Graph => {
    const graph = new Graph();
    const learned = parameters.map(([name, { shape }]) => ({ name, shape }));
    const groups = addVariables(graph, learned);
    const before = addWeights(graph, groups);
    const gradients = new Map<tf.Tensor, string>();
    const losses = parts.map(({ tensors, recording }, p) => {
      const places = new Map<tf.Tensor, string>([
        [tensors.inputs, graph.placeholder(PLACES.inputs(p), int32, tensors.inputs.shape)],
        [tensors.targets, graph.placeholder(PLACES.targets(p), int32, tensors.targets.shape)],
        ...weights.map((weight, i): [tf.Tensor, string] => [weight, before[i]]),
      ]);
      // Each part is a chain of its own: TensorFlow takes them on several threads.
      const placeOf = addRecording(graph, recording, `part${p}_`, places);
      for (const gradient of recording.result.gradients) gradients.set(gradient, placeOf(gradient));
      return placeOf(recording.result.value);
    });
    const placeOf = addRecording(graph, sum, 'sum', gradients);
    const ends = { losses, halves: placeOf(sum.result.halves), gradients: sum.result.gradients.map(placeOf) };
    addUpdate(graph, groups, ends, constants);
    return graph;
  };
  let graph: Graph | NoGraphError;
  try {
    graph = build();
  } catch (error) {
    if (!(error instanceof NoGraphError)) throw error;
    graph = error;
  }
  const losses = found.map(({ value }) => value.dataSync<'float32'>()[0]);
  tf.dispose([...found.map(({ value }) => value), sum.result.halves, ...(parts.length > 1 ? ofParts : [])]);
  for (const { tensors } of parts) tensors.dispose();
  const gradients = new Map(parameters.map(([name], i) => [name, sum.result.gradients[i]]));
  return { found: { loss: meanLoss(batch, losses), gradients }, graph };
}

/** A step's graph, loaded. Holds weights and moments once they are written. */
export class CompiledStep {
  private updates = 0;

  private constructor(
    private readonly session: GraphSession,
    private readonly learned: readonly LearnedTensor[],
    /** Tokens in each part of a batch. */
    private readonly tokens: readonly number[],
    private readonly constants: UpdateConstants,
  ) {}

  /**
   * @param parts of a batch, for their sizes
   * @throws NoGraphError where TensorFlow does not take the graph
   */
  static open(
    graph: Graph,
    model: BitLM,
    parts: readonly BatchPart[],
    constants: UpdateConstants,
  ): CompiledStep {
    const learned = Array.from(model.parameters, ([name, { shape }]) => ({ name, shape }));
    const tokens = parts.map(({ batch }) => batch.inputs.length);
    return new CompiledStep(GraphSession.open(graph), learned, tokens, constants);
  }

  /** One update; nothing is updated where the loss or the gradient is not finite. */
  step(parts: readonly BatchPart[], rates: { learningRate: number; weightDecay: number }): StepResult {
    const tokens = parts.map(({ batch }) => batch.inputs.length);
    if (tokens.join() !== this.tokens.join()) {
      const [got, wanted] = [tokens, this.tokens].map((counts) => counts.join(' + '));
      throw new NoGraphError(`a batch has ${got} tokens, and the graph was made for ${wanted}`);
    }
    const { learningRate, weightDecay } = rates;
    const corrected = correctedRates(this.updates + 1, learningRate, this.constants.betas, DEFAULT_EPSILON);
    const numbers = [corrected.rate, corrected.epsilon, 1 - learningRate * weightDecay];
    const ids = (values: Int32Array): Feed => ({ type: int32, shape: [values.length], values });
    const feeds = new Map<string, Feed>([
      ...parts.flatMap(({ batch }, p): [string, Feed][] => [
        [PLACES.inputs(p), ids(batch.inputs)],
        [PLACES.targets(p), ids(batch.targets)],
      ]),
      ...PLACES.rates.map((name, i): [string, Feed] => [
        name,
        { type: float32, shape: [], values: Float32Array.of(numbers[i]) },
      ]),
    ]);
    const [losses, halves] = this.session.values(feeds, [PLACES.step, PLACES.halves]);
    const loss = meanLoss(parts, losses);
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
      this.learned.map((_, i) => VALUES.value(kind, i)),
    );
  }

  private set(kind: Kind, feeds: readonly Feed[]): void {
    this.session.values(new Map(feeds.map((feed, i) => [VALUES.newValue(kind, i), feed])), [
      VALUES.set(kind),
    ]);
  }
}
