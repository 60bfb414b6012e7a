/** Models written to a file in few bits, read back, and judged by what was read: bytes and losses as they really are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ablationOptions,
  codeEntropy,
  quantizedNames,
  readStoredModel,
  storedWeights,
  trainedCodes,
  writeStoredModel,
  type AblationOptions,
  type Corpus,
  type LevelCodes,
  type MatrixStorage,
  type StoredModel,
  type StoredSize,
  type TrainableModel,
} from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { testLoss } from './test-loss.js';

/** Writes a model, reads it back and takes the file away again. */
async function throughFile(stored: StoredModel): Promise<StoredModel & StoredSize> {
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-stored-'));
  try {
    const path = join(folder, 'model');
    const { bytes } = await writeStoredModel(path, stored);
    const found = await readStoredModel(path);
    if (found.bytes !== bytes)
      throw new Error(`internal: stored model must have ${bytes} bytes, got ${found.bytes} in the file.`);
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A stored model, made from a trained one and the codes of its matrices. */
export function storedModel(
  model: TrainableModel,
  storage: MatrixStorage,
  matrices: ReadonlyMap<string, LevelCodes>,
): StoredModel {
  const others = model.tensors().filter(({ name }) => !matrices.has(name));
  return {
    config: model.config,
    storage,
    matrices,
    tensors: new Map(others.map(({ name, data }) => [name, data])),
  };
}

/** What a model in a file comes to: its tensors' bytes and the test loss of what was read back. */
export async function judgeStored(
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
  stored: StoredModel,
  activations: AblationOptions['activation_quantizer'],
  inputTransforms?: ReadonlyMap<string, Float32Array>,
): Promise<{ bytes: number; loss: number }> {
  const found = await throughFile(stored);
  const changed = model.changed({
    weights: storedWeights(found),
    // The weights that were read are what products take; groups have done their work.
    options: {
      weight_quantizer: 'none',
      weight_group_size: undefined,
      activation_quantizer: activations,
    },
    inputTransforms,
  });
  try {
    return { bytes: found.tensorBytes, loss: testLoss(changed, corpus, spec) };
  } finally {
    changed.dispose();
  }
}

/**
 * A trained model in a file, in every form that its weights can take: in 16 bits, or as the codes that it was trained with, a
 * ternary one in two bits, five trits a byte and by entropy.
 * @returns `stored-loss`, and `stored-FORM-bytes` for each form; `stored-entropy`, bits a weight, where there are codes
 */
export async function evaluateStored(
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
): Promise<Record<string, number>> {
  const options = ablationOptions(model.config);
  const activations = options.activation_quantizer;
  if (options.weight_quantizer === 'none') {
    const stored = storedModel(model, { form: 'half' }, new Map());
    const { bytes, loss } = await judgeStored(model, corpus, spec, stored, activations);
    return { 'stored-loss': loss, 'stored-half-bytes': bytes };
  }
  const matrices = codesOf(model, options);
  const { levels } = matrices.values().next().value!;
  const granularity = options.weight_group_size ?? 'tensor';
  const inForm = (form: 'bits' | 'trits' | 'entropy'): StoredModel =>
    storedModel(model, { form, levels, granularity }, matrices);
  const { bytes, loss } = await judgeStored(model, corpus, spec, inForm('bits'), activations);
  const codes = Buffer.concat([...matrices.values()].map((matrix) => matrix.codes));
  const measured: Record<string, number> = {
    'stored-loss': loss,
    'stored-bits-bytes': bytes,
    'stored-entropy-bytes': (await throughFile(inForm('entropy'))).tensorBytes,
    'stored-entropy': codeEntropy({ codes, levels }),
  };
  if (levels === 3) measured['stored-trits-bytes'] = (await throughFile(inForm('trits'))).tensorBytes;
  return measured;
}

/** Codes of all matrices as the trained model multiplies by them. */
function codesOf(model: TrainableModel, options: AblationOptions): Map<string, LevelCodes> {
  const quantized = quantizedNames(model.config);
  return new Map(
    model
      .tensors()
      .filter(({ name }) => quantized.has(name))
      .map(({ name, shape, data }) => [name, trainedCodes(data, shape[0], options)]),
  );
}
