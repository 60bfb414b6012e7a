/**
 * Training on several threads, each in a process of its own: every process takes the gradient of its share of the
 * batch, and the shares are added up. Products of the size that laptops train are too small to be split inside (two
 * threads in one product made a step 1.2 times as fast); whole sequences are not. Processes and not threads of this one,
 * since tfjs-node is not safe for threads: all its instances write one set of names.
 *
 * The process that trains takes the first share and alone updates the weights.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as op from '../../backend/operations.js';
import { currentBackend } from '../../backend/tensorflow.js';
import type { AblationOptions, ActivationQuantizerName } from '../../config.js';
import type { TokenWindows } from '../../corpora/corpus.js';
import type { BitLM } from '../../model/bitlm.js';
import { BatchProcess } from './batch-process.js';
import type { BatchPart } from './batch-worker.js';
import { TensorFile } from './tensor-file.js';
import { lossAndGradients, type LossAndGradients } from '../step.js';

/**
 * Whether a token's integers and gradient depend on nothing but that token. One scale for the whole batch does not, nor
 * does the elastic quantizer: LSQ divides the gradient of its step by the root of the number of values in a batch.
 */
const TOKEN_BY_TOKEN: Record<ActivationQuantizerName, boolean> = {
  none: true,
  'absmax-int8-token': true,
  'absmax-int8-tensor': false,
  'absmax-int4-token': true,
  'absmean-int4-token': true,
  'top-half-int8-token': true,
  'elastic-int8': false,
};

/** True where the gradient of a batch is the sum of the gradients of its parts. */
export function isSplittable(options: AblationOptions): boolean {
  const {
    activation_quantizer: all,
    down_activation_quantizer: down = all,
    output_activation_quantizer: output = all,
  } = options;
  // Another process does not have the reader's functions.
  if (options.own_weight_quantizer !== undefined || options.own_activation_quantizer !== undefined)
    return false;
  return TOKEN_BY_TOKEN[all] && TOKEN_BY_TOKEN[down] && TOKEN_BY_TOKEN[output];
}

/** The workers of one training run, for one model. */
export class BatchWorkers {
  private constructor(
    private readonly model: BitLM,
    private readonly processes: readonly BatchProcess[],
    /** The weights, then the gradients of each process. */
    private readonly files: readonly TensorFile[],
    private readonly folder: string,
  ) {}

  /**
   * As many workers as make up the threads that the backend was started with, at most one thread for each sequence.
   * @param sequences in every batch
   * @returns undefined where this process is to train alone: one thread, or a model that cannot be split
   * @throws Error or FileError where a worker does not start or the disk is full
   */
  static async open(model: BitLM, sequences: number): Promise<BatchWorkers | undefined> {
    const { name: backend, threads } = currentBackend()!;
    const count = Math.min(threads, sequences) - 1;
    if (count < 1 || !isSplittable(model.options)) return undefined;
    const { config } = model;
    const folder = mkdtempSync(join(tmpdir(), 'bitnet-train-'));
    const paths = Array.from({ length: count + 1 }, (_, i) =>
      join(folder, i === 0 ? 'weights' : `gradients-${i}`),
    );
    const processes: BatchProcess[] = [];
    const files: TensorFile[] = [];
    const opened = new BatchWorkers(model, processes, files, folder);
    try {
      for (const path of paths) files.push(new TensorFile(path, config, 'make'));
      opened.writeWeights();
      while (processes.length < count) processes.push(BatchProcess.take());
      const [weights, ...gradients] = paths;
      await all(
        processes.map((one, i) => one.ask({ open: { backend, config, weights, gradients: gradients[i] } })),
      );
    } catch (error) {
      await opened.close();
      throw error;
    }
    // All have the files open: without names they are gone with the last process that holds them. Windows keeps names
    // as long as files are open.
    if (platform() !== 'win32') opened.removeFiles();
    return opened;
  }

  /** What `lossAndGradients` of the trainer gives, to rounding; the shares are always added up in the same order. */
  async lossAndGradients(batch: TokenWindows, sequences: number): Promise<LossAndGradients> {
    const { model, processes } = this;
    const [own, ...others] = split(batch, sequences, processes.length + 1);
    this.writeWeights();
    const answers = processes.map((one, i) => one.ask({ differentiate: others[i] }));
    let found: LossAndGradients;
    try {
      found = lossAndGradients(model, own.batch, own.sequences, own.share);
    } finally {
      // Also after an error: nothing may still be computing when the next batch is sent.
      await Promise.allSettled(answers);
    }
    const { gradients } = found;
    try {
      const losses = (await all(answers)).map(({ loss }) => loss!);
      for (const file of this.files.slice(1)) addTo(gradients, file);
      return { loss: losses.reduce((sum, loss) => sum + loss, found.loss), gradients };
    } catch (error) {
      tf.dispose([...gradients.values()]);
      throw error;
    }
  }

  /** Lets the processes wait for the next run. */
  async close(): Promise<void> {
    for (const file of this.files) file.close();
    await Promise.all(this.processes.map((one) => one.giveBack()));
    this.removeFiles();
  }

  private removeFiles(): void {
    try {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Windows, and a process that is still about to end: a file of the system's temporary folder stays.
    }
  }

  private writeWeights(): void {
    for (const [name, parameter] of this.model.parameters)
      this.files[0].write(name, parameter.dataSync<'float32'>());
  }
}

/** Puts the sums in the place of the gradients, which are freed. */
function addTo(gradients: Map<string, tf.Tensor>, file: TensorFile): void {
  file.read();
  for (const [name, gradient] of gradients) {
    const more = tf.tensor(file.values.get(name)!, gradient.shape);
    gradients.set(name, op.add(gradient, more));
    tf.dispose([gradient, more]);
  }
}

/** All answers. Waits for every one of them, so that none fails unseen. @throws the first error */
async function all<T>(answers: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(answers);
  return Promise.all(answers);
}

/** Whole sequences in as many parts, the smaller ones first: the process that trains has the weights to update too. */
export function split({ inputs, targets }: TokenWindows, sequences: number, parts: number): BatchPart[] {
  const tokens = inputs.length / sequences;
  return Array.from({ length: parts }, (_, part) => {
    const start = Math.floor((part * sequences) / parts);
    const end = Math.floor(((part + 1) * sequences) / parts);
    const cut = (ids: Int32Array): Int32Array => ids.slice(start * tokens, end * tokens);
    return {
      batch: { inputs: cut(inputs), targets: cut(targets) },
      sequences: end - start,
      share: (end - start) / sequences,
    };
  });
}
