/**
 * The steps of a training run: eager at first, and from the third on one call of TensorFlow each, where that gives the
 * same bits. The first two steps are recorded. Their graphs must be equal (a step that draws numbers or counts would
 * differ), and the graph must make the second step as eager did, to the last bit of every weight and moment.
 */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels } from '../backend/kernels.js';
import { NoGraphError, type Graph } from '../backend/graph/graph.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';
import { AdamW, DEFAULT_BETAS, type AdamWState } from './adamw.js';
import { CompiledStep, recordStep } from './compiled/compiled-step.js';
import { partsOf, splitBatch, type BatchPart } from './split-batch.js';
import { lossAndGradients, update, type StepRates, type StepResult } from './step.js';

/** Fewer steps than this take less time than to make a graph of them and to try it out. */
const LEAST_STEPS = 48;

export interface StepsOptions {
  /** Sequences in every batch. */
  sequences: number;
  /** About how many steps are to come. */
  steps: number;
  clipNorm: number;
  betas?: readonly [number, number];
  /** `eager`: never as one call. */
  form?: 'compiled' | 'eager';
  /** Hears once why steps stay eager. */
  onEager?: (reason: string) => void;
}

/** Takes the steps of one run, and tells `onEager` why they stay eager where they do. */
export class TrainingSteps {
  private readonly optimizer: AdamW;
  /** In how many parts a batch is taken. */
  private readonly parts: number;
  /** The graph of the step before, while it is compared with the next. */
  private recorded: Graph | undefined;
  private compiled: CompiledStep | undefined;
  /** Whether steps may still become one call. */
  private mayCompile: boolean;
  /** Data of the model's weights as the graph has them; undefined once the graph is ahead of the model. */
  private shared: readonly object[] | undefined;

  constructor(
    private readonly model: BitLM,
    private readonly options: StepsOptions,
  ) {
    this.optimizer = new AdamW(model.parameters, { betas: options.betas });
    this.parts = partsOf(model.options, options.sequences);
    this.mayCompile = options.form !== 'eager' && options.steps >= LEAST_STEPS && hasNativeKernels();
  }

  /** True once a step is one call. */
  get isCompiled(): boolean {
    return this.compiled !== undefined;
  }

  /** One update of the model; nothing is updated where the loss or the gradient is not finite. */
  step(batch: TokenWindows, rates: Omit<StepRates, 'clipNorm'>): StepResult {
    const { compiled, model } = this;
    if (model.isDisposed)
      throw new Error('train: the model must be there, got one that was disposed during the run.');
    if (!compiled) return this.mayCompile ? this.recordedStep(batch, rates) : this.eagerStep(batch, rates);
    try {
      this.handOver(compiled);
      const result = compiled.step(this.split(batch), rates);
      this.shared = undefined;
      return result;
    } catch (error) {
      // The forward pass comes before any update: what failed has changed nothing.
      this.stayEager(error instanceof Error ? error.message : String(error));
      return this.eagerStep(batch, rates);
    }
  }

  /** The optimizer's moments, for a checkpoint. */
  state(): AdamWState {
    return this.compiled?.state() ?? this.optimizer.state();
  }

  /** Restores moments from a checkpoint, and the model's weights as they are now. */
  restore(state: AdamWState): void {
    this.optimizer.restore(state);
    this.compiled?.writeState(state);
  }

  /** Leaves the model as trained, and frees everything else. */
  close(): void {
    this.release();
    this.optimizer.dispose();
  }

  private eagerStep(batch: TokenWindows, rates: Omit<StepRates, 'clipNorm'>): StepResult {
    const { model, optimizer, parts, options } = this;
    const found = lossAndGradients(model, batch, options.sequences, parts);
    return update(optimizer, found, { ...rates, clipNorm: options.clipNorm });
  }

  private recordedStep(batch: TokenWindows, rates: Omit<StepRates, 'clipNorm'>): StepResult {
    const { model, optimizer, recorded } = this;
    const { clipNorm, betas = DEFAULT_BETAS } = this.options;
    const constants = { clipNorm, betas };
    const { found, graph } = recordStep(model, this.split(batch), constants);
    const before = recorded && { weights: weightsOf(model), state: optimizer.state() };
    try {
      const result = update(optimizer, found, { ...rates, clipNorm });
      if (graph instanceof NoGraphError) this.stayEager(graph.message);
      else if (!before) this.recorded = graph;
      else if (!recorded.equals(graph)) this.stayEager('two steps in a row are not computed in the same way');
      else this.compile(graph, before, batch, rates, result);
      return result;
    } finally {
      tf.dispose(before?.weights ?? []);
    }
  }

  /** Trusts a graph if it makes a step as eager did. */
  private compile(
    graph: Graph,
    before: { weights: tf.Tensor[]; state: AdamWState },
    batch: TokenWindows,
    rates: Omit<StepRates, 'clipNorm'>,
    eager: StepResult,
  ): void {
    const { model } = this;
    const { clipNorm, betas = DEFAULT_BETAS } = this.options;
    this.recorded = undefined;
    let compiled: CompiledStep | undefined;
    try {
      const parts = this.split(batch);
      compiled = CompiledStep.open(graph, model, parts, { clipNorm, betas });
      compiled.writeWeights(before.weights);
      compiled.writeState(before.state);
      const { loss, gradientNorm } = compiled.step(parts, rates);
      if (!Object.is(loss, eager.loss) || !Object.is(gradientNorm, eager.gradientNorm)) {
        throw new NoGraphError('its loss or gradient has other last bits');
      }
      const weights = compiled.weights();
      const same = sameTensors(weights, [...model.parameters.values()]);
      tf.dispose(weights);
      if (!same || !sameState(compiled.state(), this.optimizer.state())) {
        throw new NoGraphError('its update has other last bits');
      }
      this.compiled = compiled;
      this.shared = dataOf(model);
      model.beforeReading = () => this.handBack();
    } catch (error) {
      compiled?.close();
      this.stayEager(error instanceof Error ? error.message : String(error));
    }
  }

  private split(batch: TokenWindows): BatchPart[] {
    return splitBatch(batch, this.options.sequences, this.parts);
  }

  /** Gives the graph the model's weights where somebody has set them since the last step. */
  private handOver(compiled: CompiledStep): void {
    const { model, shared } = this;
    if (!shared) return;
    const data = dataOf(model);
    if (data.some((one, i) => one !== shared[i])) compiled.writeWeights([...model.parameters.values()]);
  }

  /** Gives the model the graph's weights, which are newer. */
  private handBack(): void {
    const { model, compiled } = this;
    if (!compiled || this.shared || model.isDisposed) return;
    this.shared = []; // Reading the parameters below is not to end here again.
    const weights = compiled.weights();
    [...model.parameters.values()].forEach((parameter, i) => parameter.assign(weights[i]));
    tf.dispose(weights);
    this.shared = dataOf(model);
  }

  /** From now on and for good. */
  private stayEager(reason: string): void {
    if (this.compiled) this.optimizer.restore(this.compiled.state());
    this.release();
    this.mayCompile = false;
    this.recorded = undefined;
    this.options.onEager?.(reason);
  }

  private release(): void {
    this.handBack();
    this.model.beforeReading = undefined;
    this.compiled?.close();
    this.compiled = undefined;
  }
}

/** Copies of the weights as they are now; TensorFlow copies nothing. */
function weightsOf(model: BitLM): tf.Tensor[] {
  return Array.from(model.parameters.values(), (weight) => tf.clone(weight));
}

/** What changes when a weight is set. */
function dataOf(model: BitLM): object[] {
  return Array.from(model.parameters.values(), ({ dataId }) => dataId);
}

function sameTensors(a: readonly tf.Tensor[], b: readonly tf.Tensor[]): boolean {
  return a.every((one, i) => sameBits(one.dataSync<'float32'>(), b[i].dataSync<'float32'>()));
}

function sameState(a: AdamWState, b: AdamWState): boolean {
  const same = (x: Map<string, Float32Array>, y: Map<string, Float32Array>): boolean =>
    Array.from(x).every(([name, values]) => sameBits(values, y.get(name)!));
  return a.updates === b.updates && same(a.first, b.first) && same(a.second, b.second);
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
