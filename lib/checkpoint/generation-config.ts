/** How a checkpoint wants text to be generated: generation_config.json, or what a GGUF file says of it. */
import { quote } from '../io/quote.js';
import type { ModelConfig } from '../config.js';
import { CheckpointError } from './checkpoint-error.js';
import { isObject } from '../io/is-object.js';

/** What generation starts from where the caller says nothing. Absent fields are not in the checkpoint. */
export interface GenerationConfig {
  /** Ids that end a text; empty if the checkpoint names none. */
  eosTokenIds: readonly number[];
  bosTokenId: number | null;
  /** False: greedy. */
  doSample?: boolean;
  /** At least 0; 0 is greedy. */
  temperature?: number;
  /** At least 1; 0 in the file means off and is left out here. */
  topK?: number;
  /** Above 0, at most 1. */
  topP?: number;
  /** Most tokens in prompt and answer together. */
  maxLength?: number;
}

/**
 * Checks a parsed generation_config.json.
 * @param json what JSON.parse returned, untrusted; undefined where the checkpoint has no such file
 * @param config the model's config: ids have to lie in its vocabulary, and its ids serve where the file names none
 * @throws CheckpointError naming the key, what was found and what is expected
 */
export function parseGenerationConfig(json: unknown, config: ModelConfig, file: string): GenerationConfig {
  const fail = (what: string, expected: string, found: unknown): never => {
    const operation = 'read generation config';
    throw new CheckpointError({ operation, file, what, expected, found: quote(found) });
  };
  if (json !== undefined && !isObject(json)) {
    return fail('generation config', 'a JSON object', json);
  }
  const raw = json ?? {};
  const number = (key: string, expected: string, fits: (value: number) => boolean): number | undefined => {
    const value = raw[key] ?? undefined;
    if (value === undefined) return undefined;
    return typeof value === 'number' && Number.isFinite(value) && fits(value)
      ? value
      : fail(key, expected, value);
  };
  const tokenId = (key: string, value: unknown): number => {
    const fits = Number.isInteger(value) && (value as number) >= 0 && (value as number) < config.vocab_size;
    return fits ? (value as number) : fail(key, `a token id from 0 to ${config.vocab_size - 1}`, value);
  };
  const ids = (key: string, fallback: number | null): number[] => {
    const value = raw[key] ?? fallback ?? [];
    return (Array.isArray(value) ? value : [value]).map((id) => tokenId(key, id));
  };
  const doSample = raw.do_sample ?? undefined;
  if (doSample !== undefined && typeof doSample !== 'boolean') fail('do_sample', 'true or false', doSample);
  const topK = number(
    'top_k',
    'a whole number of at least 0',
    (value) => Number.isInteger(value) && value >= 0,
  );

  const found: GenerationConfig = {
    eosTokenIds: ids('eos_token_id', config.eos_token_id),
    bosTokenId: ids('bos_token_id', config.bos_token_id)[0] ?? null,
    doSample: doSample as boolean | undefined,
    temperature: number('temperature', 'at least 0', (value) => value >= 0),
    topK: topK === 0 ? undefined : topK,
    topP: number('top_p', 'above 0 and at most 1', (value) => value > 0 && value <= 1),
    maxLength: number(
      'max_length',
      'a whole number above 0',
      (value) => Number.isInteger(value) && value > 0,
    ),
  };
  const present = Object.entries(found).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as GenerationConfig;
}
