/** Model folders in Hugging Face's layout, written for the project's own models. transformers loads them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkModelConfig, type ModelConfig } from '../config.js';
import { CheckpointError } from './checkpoint-error.js';
import { explainSystemError } from '../io/file-error.js';
import { readJsonFile } from '../io/json-file.js';
import { MODEL_FILES } from '../io/model-files.js';
import { replaceFolder, type FolderKind } from '../io/replace-folder.js';
import { expectedTensors } from './expected-tensors.js';
import type { GenerationConfig } from './generation-config.js';
import { isPacked, toCheckpointError } from './model-config.js';
import { writeSafetensors } from './safetensors/safetensors.js';
import { checkVocabulary } from './tokenizer-files.js';

const operation = 'save model';

/** A folder that a save or an export may replace: one with a model's files and nothing else. */
export const MODEL_FOLDER: FolderKind = {
  operation,
  kind: 'a model folder with nothing else in it',
  files: MODEL_FILES,
  isOne: async (folder) => {
    const config = (await readJsonFile(folder, 'config.json', operation).catch(() => null)) as {
      model_type?: unknown;
      hidden_size?: unknown;
    } | null;
    return config?.model_type === 'bitnet' || typeof config?.hidden_size === 'number';
  },
};

/** A learned tensor: transformers' name, shape and values, row-major. */
export interface ModelTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

/** What goes into a model folder. */
export interface ModelFolder {
  /** Online or full precision: packed folders are made by `exportCheckpoint`. */
  config: ModelConfig;
  /** Exactly the tensors that the config asks for, in any order. */
  tensors: Iterable<ModelTensor>;
  /** tokenizer.json. Without it the model works on ids alone. */
  tokenizerJson?: Readonly<Record<string, unknown>>;
  /** tokenizer_config.json; made from the config where it is left out. */
  tokenizerConfig?: Readonly<Record<string, unknown>>;
  /** generation_config.json, as far as it differs from what the config says. */
  generationConfig?: Partial<GenerationConfig>;
  /** Further files of the folder, which appear together with the model: the state of an optimizer, say. */
  also?: { own: FolderKind; write: (folder: string) => Promise<void> };
}

/**
 * Saves a model as config.json, generation_config.json, model.safetensors and, if given, the tokenizer's files. The
 * folder is written beside its place and takes the old one's place at the end, so a process killed at any moment
 * leaves a whole model: the old or the new. Nothing but an earlier model folder is replaced.
 * @param dtype `F32` loses nothing; `BF16` is what large models are published in
 * @throws CheckpointError if the tensors are not those of the config, or the disk is full, or something else is in the
 *   place of the folder, such as a folder with any other file in it, the working folder or one around it; all then stays
 */
export async function saveModelFolder(
  folder: string,
  model: ModelFolder,
  dtype: 'F32' | 'BF16' = 'F32',
): Promise<void> {
  const { config, tokenizerJson, tokenizerConfig, generationConfig, also } = model;
  const tensors = [...model.tensors];
  checkModel(config, tensors, folder);
  if (tokenizerJson !== undefined) {
    checkVocabulary({ kind: 'huggingface', tokenizer: tokenizerJson, config: {} }, config, folder);
  }
  try {
    await replaceFolder(folder, { own: also?.own ?? MODEL_FOLDER }, async (partial) => {
      const writeJson = (name: string, json: unknown): Promise<void> =>
        writeFile(join(partial, name), `${JSON.stringify(json, undefined, 2)}\n`, { flush: true });
      await writeSafetensors(
        join(partial, 'model.safetensors'),
        tensors.map((tensor) => ({ ...tensor, dtype })),
        { format: 'pt' },
      );
      await writeJson('config.json', configJson(config, dtype));
      await writeJson('generation_config.json', generationJson(config, generationConfig));
      if (tokenizerJson !== undefined) {
        await writeJson('tokenizer.json', tokenizerJson);
        await writeJson(
          'tokenizer_config.json',
          tokenizerConfig ?? tokenizerConfigJson(config, tokenizerJson),
        );
      }
      await also?.write(partial);
    });
  } catch (error) {
    throw explainSystemError(operation, folder, error);
  }
}

function checkModel(config: ModelConfig, tensors: readonly ModelTensor[], file: string): void {
  toCheckpointError(file, () => checkModelConfig(config, file));
  if (isPacked(config)) {
    const { linear_class: linearClass, quantization_mode: mode } = config.quantization_config!;
    throw new CheckpointError({
      operation,
      file,
      what: 'quantization_config',
      expected: 'autobitlinear, online',
      found: `${linearClass}, ${mode}`,
      hint: 'Save the master weights, then pack them with exportCheckpoint.',
    });
  }
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape } of expectedTensors(config, new Set(byName.keys()), operation, file)) {
    const found = byName.get(name)!;
    if (found.shape.length === shape.length && found.shape.every((length, axis) => length === shape[axis]))
      continue;
    throw new CheckpointError({
      operation,
      file,
      tensor: name,
      what: 'shape',
      expected: `[${shape.join(', ')}], as the config asks for`,
      found: `[${found.shape.join(', ')}]`,
    });
  }
}

/** config.json as transformers reads it: its own keys, and ours beside them. */
function configJson(config: ModelConfig, dtype: 'F32' | 'BF16' | 'F16'): Record<string, unknown> {
  const torchDtype = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' }[dtype];
  return {
    architectures: ['BitNetForCausalLM'],
    model_type: 'bitnet',
    ...config,
    torch_dtype: torchDtype,
    use_cache: true,
  };
}

function generationJson(config: ModelConfig, given: Partial<GenerationConfig> = {}): Record<string, unknown> {
  const ends = given.eosTokenIds ?? (config.eos_token_id === null ? [] : [config.eos_token_id]);
  return {
    bos_token_id: given.bosTokenId ?? config.bos_token_id,
    eos_token_id: ends.length === 0 ? null : ends,
    do_sample: given.doSample ?? true,
    max_length: given.maxLength ?? config.max_position_embeddings,
    temperature: given.temperature,
    top_k: given.topK,
    top_p: given.topP,
  };
}

/** What transformers' AutoTokenizer wants to know: the class, and which tokens begin and end a text. */
function tokenizerConfigJson(
  config: ModelConfig,
  tokenizer: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const added = (tokenizer.added_tokens ?? []) as readonly { id: number; content: string }[];
  const content = (id: number | null): string | undefined => added.find((token) => token.id === id)?.content;
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: config.max_position_embeddings,
    clean_up_tokenization_spaces: false,
    bos_token: content(config.bos_token_id),
    eos_token: content(config.eos_token_id),
  };
}
