/**
 * The program of a process that takes gradients of its share of every batch; see batch-workers.ts. It holds no state of
 * the run but the weights, which it reads before each batch, and ends with the process that started it.
 */
import * as tf from '@tensorflow/tfjs';
import { startTensorFlow, type BackendDescription } from '../../backend/tensorflow.js';
import type { ModelConfig } from '../../config.js';
import type { TokenWindows } from '../../corpora/corpus.js';
import { BitLM } from '../../model/bitlm.js';
import { TensorFile } from './tensor-file.js';
import { lossAndGradients } from '../step.js';

/** Part of a batch. */
export interface BatchPart {
  batch: TokenWindows;
  sequences: number;
  /** Of the whole batch, above 0. */
  share: number;
}

/** What the training loop asks. `open` comes first, and again for another model. */
export type ToBatchWorker =
  | { open: { backend: BackendDescription['name']; config: ModelConfig; weights: string; gradients: string } }
  | { differentiate: BatchPart }
  | { close: true };

/** The answer to everything. The loss is there after a batch. */
export type FromBatchWorker = { loss?: number } | { error: string };

let current: { model: BitLM; weights: TensorFile; gradients: TensorFile } | undefined;

async function answer(message: ToBatchWorker): Promise<FromBatchWorker> {
  if ('differentiate' in message) return { loss: differentiate(message.differentiate) };
  if (current) {
    for (const one of [current.weights, current.gradients]) one.close();
    current.model.dispose();
    current = undefined;
  }
  if ('open' in message) {
    const { backend, config, ...paths } = message.open;
    await startTensorFlow({ prefer: backend });
    const weights = new TensorFile(paths.weights, config, 'open');
    const gradients = new TensorFile(paths.gradients, config, 'open');
    weights.read();
    current = { model: new BitLM(config, { values: weights.values }), weights, gradients };
  }
  return {};
}

function differentiate({ batch, sequences, share }: BatchPart): number {
  if (!current) throw new Error('internal: a batch came before its model.');
  const { model, weights, gradients } = current;
  weights.read();
  model.setWeights(weights.values);
  const found = lossAndGradients(model, batch, sequences, share);
  try {
    for (const [name, gradient] of found.gradients) gradients.write(name, gradient.dataSync<'float32'>());
  } finally {
    tf.dispose([...found.gradients.values()]);
  }
  return found.loss;
}

/** One message after the other: the first one waits for TensorFlow. */
let earlier: Promise<unknown> = Promise.resolve();
process.on('message', (message: ToBatchWorker) => {
  earlier = earlier.then(async () => {
    const reply = await answer(message).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    // Nobody may be there any more: then this process is about to end.
    if (process.connected) process.send!(reply, () => {});
  });
});

// What these mean is for the training loop to say.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
