import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { join } from 'node:path';
import { roundToHalf } from '../checkpoint/dtypes.js';
import { modelFolderIn } from '../checkpoint/model-in-run.js';
import { saveModelFolder, type ModelTensor } from '../checkpoint/model-folder.js';
import { readJsonFile } from '../io/json-file.js';
import { readReplaced } from '../io/replace-folder.js';
import { readSafetensors } from '../checkpoint/safetensors/safetensors.js';
import { ablationOptions, parseModelConfig, type ModelConfig } from '../config.js';
import type { Corpus, TextTokenizer } from '../corpora/corpus.js';
import { BitLM } from '../model/bitlm.js';
import { generateTokens } from '../model/generate.js';
import type { GenerationOptions } from '../model/generation-options.js';
import { quantizedNames } from '../parameters.js';
import type { InputStatistics } from '../quantizers/input-statistics.js';
import { dequantizedWeights } from '../quantizers/on-tensors.js';
import { configWithOwn, ownQuantizers } from '../quantizers/own-quantizers.js';
import type { OwnParts } from '../quantizers/quantizer-function.js';
import { checkCorpusFits } from './check-options.js';
import { evaluate, evaluateByKind } from './evaluate.js';
import { calibrationWindows, inputStatistics } from './input-statistics.js';
import { transformedInputs } from './transformed-inputs.js';
import type { ModelChange, TrainableModel } from './types.js';
import { logAsTable } from '../plots/model-table.js';

/** BitLM with what notebooks do with a model, behind an interface without TensorFlow types. */
export class TrainableBitLM extends BitLM implements TrainableModel {
  /** See Training.createModel. */
  static create(config: ModelConfig, seed: number, parts?: OwnParts): TrainableBitLM {
    const own = ownQuantizers(parts);
    return new TrainableBitLM(configWithOwn(config, own), { seed }, own);
  }

  /**
   * See Training.openModel.
   * @throws CheckpointError or ConfigError for a folder that is no model of this project
   */
  static async open(path: string, parts?: OwnParts): Promise<TrainableBitLM> {
    const folder = await modelFolderIn(path, 'open model');
    const { config, tensors } = await readReplaced(folder, async () => ({
      config: parseModelConfig(
        await readJsonFile(folder, 'config.json', 'open model'),
        join(folder, 'config.json'),
      ),
      tensors: await readSafetensors(join(folder, 'model.safetensors')),
    }));
    const values = new Map<string, Float32Array>();
    for (const [name, { data }] of tensors) {
      if (!(data instanceof Float32Array)) {
        throw new Error(`open model: ${name} must be stored as F32, got another type in ${folder}.`);
      }
      values.set(name, data);
    }
    return new TrainableBitLM(config, { values }, ownQuantizers(parts));
  }

  get parameterCount(): number {
    return Array.from(this.parameters.values()).reduce((sum, { size }) => sum + size, 0);
  }

  effectiveTensors(): ModelTensor[] {
    const quantized = quantizedNames(this.config);
    return this.tensors().map((tensor) => {
      if (!quantized.has(tensor.name)) return tensor;
      const data = tf.tidy(() => {
        const weights = tf.tensor(tensor.data, [...tensor.shape]);
        const { own, options } = this;
        const quantized =
          own.weights?.values(weights) ?? dequantizedWeights(options.weight_quantizer, weights, options);
        return quantized.dataSync<'float32'>();
      });
      return { ...tensor, data };
    });
  }

  evaluate(corpus: Corpus, windows: number, context: number): number {
    checkCorpusFits('evaluate', this.config, corpus, context);
    return evaluate(this, corpus.validationWindows(windows, context), context);
  }

  losses(
    corpus: Corpus,
    part: 'validation' | 'test',
    windows: number,
    context: number,
  ): { loss: number; lossByKind?: Record<string, number> } {
    checkCorpusFits('evaluate', this.config, corpus, context);
    if (part !== 'validation' && part !== 'test') {
      throw new Error(`evaluate: part must be validation or test, got ${String(part)}.`);
    }
    const text =
      part === 'test' ? corpus.testWindows(windows, context) : corpus.validationWindows(windows, context);
    if (!corpus.entropy) return { loss: evaluate(this, text, context) };
    const { entropy } = corpus;
    const { kinds } = entropy;
    const byKind = evaluateByKind(this, text, context, kinds.length, (at) => entropy.kindOfTarget(at));
    return {
      loss: byKind.mean,
      lossByKind: Object.fromEntries(kinds.map(({ name }, kind) => [name, byKind.kinds[kind]])),
    };
  }

  changed({ weights, options, roundInputsToHalf, inputTransforms }: ModelChange): TrainableBitLM {
    const { quantization_config: _, ...config } = this.config;
    const values = new Map(this.tensors().map(({ name, data }) => [name, data]));
    for (const [name, data] of weights ?? []) {
      if (!values.has(name)) throw new Error(`change model: weights must be the model's own, got ${name}.`);
      values.set(name, data);
    }
    const { own_weight_quantizer: _w, own_activation_quantizer: _a, ...named } = ablationOptions(this.config);
    const own = {
      ...(options?.weight_quantizer === undefined && { weights: this.own.weights }),
      ...(options?.activation_quantizer === undefined && { activations: this.own.activations }),
    };
    const changed = configWithOwn({ ...config, bitlm: { ...named, ...options } }, own);
    const model = new TrainableBitLM(changed, { values }, own);
    if (roundInputsToHalf) model.inputRule = (_, normed) => roundedToHalf(normed);
    else if (inputTransforms?.size) model.inputRule = transformedInputs(model.options, inputTransforms);
    return model;
  }

  inputStatistics(corpus: Corpus, windows: number, context: number): Map<string, InputStatistics> {
    checkCorpusFits('input statistics', this.config, corpus, context);
    return inputStatistics(this, calibrationWindows(corpus, windows, context), context);
  }

  async *generate(
    tokenizer: TextTokenizer,
    prompt: string,
    options: GenerationOptions,
  ): AsyncGenerator<string> {
    const ids: number[] = [];
    let written = 0;
    for (const id of generateTokens(this, tokenizer.encode(prompt), options)) {
      ids.push(id);
      const text = tokenizer.decode(ids);
      // The last bytes of a character may still be to come.
      if (!text.endsWith('\uFFFD')) {
        yield text.slice(written);
        written = text.length;
      }
      await setImmediate();
    }
  }

  save(folder: string, tokenizer?: TextTokenizer): Promise<void> {
    return saveModelFolder(folder, {
      config: this.config,
      tensors: this.tensors(),
      tokenizerJson: tokenizer && { ...tokenizer.toJSON() },
    });
  }
}

logAsTable(TrainableBitLM);

/** TensorFlow.js has no half precision, so the values are read back for it. */
function roundedToHalf(x: tf.Tensor): tf.Tensor {
  return tf.tensor(roundToHalf(x.dataSync<'float32'>()), x.shape);
}
