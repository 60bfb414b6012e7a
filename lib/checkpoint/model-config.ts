/** config.json of Hugging Face's layout as it comes from outside: checked, and put in the project's terms. */
import { quote } from '../io/quote.js';
import { parseModelConfig, type ModelConfig } from '../config.js';
import { ConfigError } from '../io/config-error.js';
import { CheckpointError } from './checkpoint-error.js';
import { isObject } from '../io/is-object.js';

/** Whether the seven matrices of a layer are stored two bits a weight. transformers' `bitlinear` always is. */
export function isPacked(config: ModelConfig): boolean {
  const quantization = config.quantization_config;
  if (quantization === undefined) return false;
  return quantization.linear_class === 'bitlinear' || quantization.quantization_mode === 'offline';
}

/**
 * Checks a parsed config.json of a checkpoint. Beyond `parseModelConfig` it reads the spellings of newer transformers
 * (`rope_parameters`, a list of end ids) and refuses what this project does not compute and would silently leave out.
 * @param json what JSON.parse returned; untrusted
 * @throws CheckpointError naming the key, what was found and what is expected
 */
export function readModelConfig(json: unknown, file: string): ModelConfig {
  const raw: Record<string, unknown> = isObject(json) ? { ...json } : {};
  refuse(raw, 'model_type', 'bitnet', (value) => value === 'bitnet', file);
  refuse(raw, 'attention_bias', 'false', (value) => value === false, file);
  refuse(raw, 'rope_scaling', 'null', () => false, file);
  const rope = raw.rope_parameters;
  if (rope != null) {
    const isPlain = isObject(rope) && (rope.rope_type ?? 'default') === 'default';
    refuse(raw, 'rope_parameters', 'an object of rope_type "default"', () => isPlain, file);
    raw.rope_theta ??= (rope as Record<string, unknown>).rope_theta;
  }
  if (isObject(raw.quantization_config)) {
    refuse(raw.quantization_config, 'use_rms_norm', 'false', (value) => value === false, file);
  }
  // The others stay known: generation_config.json lists them too.
  if (Array.isArray(raw.eos_token_id)) raw.eos_token_id = (raw.eos_token_id as unknown[])[0];
  return toCheckpointError(file, () => parseModelConfig(isObject(json) ? raw : json, file));
}

function refuse(
  raw: Record<string, unknown>,
  key: string,
  expected: string,
  fits: (value: unknown) => boolean,
  file: string,
): void {
  const value = raw[key] ?? undefined;
  if (value === undefined || fits(value)) return;
  throw new CheckpointError({
    operation: 'read config',
    file,
    what: key,
    expected,
    found: quote(value),
    hint: 'This project runs BitNet b1.58 models (BitNetForCausalLM) alone.',
  });
}

/** Makes a CheckpointError of a ConfigError: callers of `openCheckpoint` meet one kind of error. */
export function toCheckpointError<T>(file: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = error.message.replace(`${file}: `, '');
    // Nearly all of them have the project's pattern, and so the parts that the other error names.
    const [, what, expected, found] = /^(.+?) must be (.+), got (.+)\.$/s.exec(message) ?? [];
    const problem =
      found === undefined
        ? { what: 'the config', expected: 'one of a BitNet model', found: message.replace(/\.$/, '') }
        : { what, expected, found };
    throw new CheckpointError({ operation: 'read config', file, ...problem }, { cause: error });
  }
}
