import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { roundToHalf } from '../checkpoint/dtypes.js';
import { saveModelFolder, type ModelTensor } from '../checkpoint/model-folder.js';
import { readSafetensors } from '../checkpoint/safetensors/safetensors.js';
import { ablationOptions, BITNET_B158, parseModelConfig, type ModelConfig } from '../config.js';
import type { CharacterTokenizer } from '../corpora/characters.js';
import type { Corpus } from '../corpora/corpus.js';
import { bitLinear } from '../model/bitlinear.js';
import { BitLM } from '../model/bitlm.js';
import { generateTokens } from '../model/generate.js';
import type { GenerationOptions } from '../model/generation-options.js';
import { parameterSpecs } from '../parameters.js';
import { configWithOwn, ownQuantizers } from '../quantizers/own-quantizer.js';
import type { OwnParts } from '../quantizers/quantizer-function.js';
import { fakeQuantizeWeights } from '../quantizers/straight-through.js';
import { evaluate, evaluateByKind } from './step.js';
import { inputMoments } from './input-moments.js';
import type { ModelChange, TrainableModel } from './training.js';

/** A BitLM behind the interface without TensorFlow types. */
export class LoadedModel implements TrainableModel {
  private constructor(private readonly model: BitLM) {}

  static create(config: ModelConfig, seed: number, parts?: OwnParts): LoadedModel {
    const own = ownQuantizers(parts);
    return new LoadedModel(new BitLM(configWithOwn(config, own), { seed }, own));
  }

  /** One BitLinear layer on plain values; see Training.bitLinear. */
  static bitLinear(x: Float32Array, weight: Float32Array, inFeatures: number): Float32Array {
    const rows = (values: Float32Array): tf.Tensor2D =>
      tf.tensor2d(values, [values.length / inFeatures, inFeatures]);
    return tf.tidy(() => bitLinear(rows(x), [rows(weight)], BITNET_B158).dataSync<'float32'>());
  }

  /** @throws CheckpointError or ConfigError for a folder that is no model of this project */
  static async open(folder: string, parts?: OwnParts): Promise<LoadedModel> {
    const path = join(folder, 'config.json');
    const config = parseModelConfig(JSON.parse(await readFile(path, 'utf8')), path);
    const values = new Map<string, Float32Array>();
    for (const [name, { data }] of await readSafetensors(join(folder, 'model.safetensors'))) {
      if (!(data instanceof Float32Array)) {
        throw new Error(`open model: ${name} must be stored as F32, got another type in ${folder}.`);
      }
      values.set(name, data);
    }
    return new LoadedModel(new BitLM(config, { values }, ownQuantizers(parts)));
  }

  /** The BitLM inside, for the training loop. */
  static inside(model: TrainableModel): BitLM {
    if (model instanceof LoadedModel) return model.model;
    throw new Error('train: the model must come from createModel or openModel, got another object.');
  }

  get config(): ModelConfig {
    return this.model.config;
  }

  get parameterCount(): number {
    return Array.from(this.model.parameters.values()).reduce((sum, { size }) => sum + size, 0);
  }

  tensors(): ModelTensor[] {
    return this.model.tensors();
  }

  effectiveTensors(): ModelTensor[] {
    const quantized = new Set(
      parameterSpecs(this.config)
        .filter((spec) => spec.quantized)
        .map(({ name }) => name),
    );
    return this.tensors().map((tensor) => {
      if (!quantized.has(tensor.name)) return tensor;
      const data = tf.tidy(() => {
        const weights = tf.tensor(tensor.data, [...tensor.shape]);
        const { own, options } = this.model;
        const quantized =
          own.weights?.values(weights) ?? fakeQuantizeWeights(options.weight_quantizer, weights);
        return quantized.dataSync<'float32'>();
      });
      return { ...tensor, data };
    });
  }

  evaluate(corpus: Corpus, windows: number, context: number): number {
    return evaluate(this.model, corpus.validationWindows(windows, context), context);
  }

  losses(
    corpus: Corpus,
    windows: number,
    context: number,
  ): { validationLoss: number; lossByKind?: Record<string, number> } {
    const text = corpus.validationWindows(windows, context);
    if (!corpus.entropy) return { validationLoss: evaluate(this.model, text, context) };
    const { entropy } = corpus;
    const { kinds } = entropy;
    const byKind = evaluateByKind(this.model, text, context, kinds.length, (at) => entropy.kindOfTarget(at));
    return {
      validationLoss: byKind.mean,
      lossByKind: Object.fromEntries(kinds.map(({ name }, kind) => [name, byKind.kinds[kind]])),
    };
  }

  changed({ weights, options, roundInputsToHalf = false }: ModelChange): LoadedModel {
    const { quantization_config: _, ...config } = this.config;
    const values = new Map(this.tensors().map(({ name, data }) => [name, data]));
    for (const [name, data] of weights ?? []) {
      if (!values.has(name)) throw new Error(`change model: weights must be the model's own, got ${name}.`);
      values.set(name, data);
    }
    const { own_weight_quantizer: _w, own_activation_quantizer: _a, ...named } = ablationOptions(this.config);
    const own = {
      ...(options?.weight_quantizer === undefined && { weights: this.model.own.weights }),
      ...(options?.activation_quantizer === undefined && { activations: this.model.own.activations }),
    };
    const changed = configWithOwn({ ...config, bitlm: { ...named, ...options } }, own);
    const model = new BitLM(changed, { values }, own);
    if (roundInputsToHalf) model.inputRule = (_, normed) => roundedToHalf(normed);
    return new LoadedModel(model);
  }

  inputMoments(corpus: Corpus, windows: number, context: number): Map<string, Float64Array> {
    return inputMoments(this.model, corpus.validationWindows(windows, context), context);
  }

  async *generate(
    tokenizer: CharacterTokenizer,
    prompt: string,
    options: GenerationOptions,
  ): AsyncGenerator<string> {
    for (const id of generateTokens(this.model, tokenizer.encode(prompt), options)) {
      yield tokenizer.decode([id]);
      await setImmediate();
    }
  }

  save(folder: string, tokenizer?: CharacterTokenizer): Promise<void> {
    return saveModelFolder(folder, {
      config: this.config,
      tensors: this.tensors(),
      tokenizerJson: tokenizer && { ...tokenizer.toJSON() },
    });
  }

  dispose(): void {
    this.model.dispose();
  }
}

/** TensorFlow.js has no half precision, so the values are read back for it. */
function roundedToHalf(x: tf.Tensor): tf.Tensor {
  return tf.tensor(roundToHalf(x.dataSync<'float32'>()), x.shape);
}
