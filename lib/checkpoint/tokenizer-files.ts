/** The tokenizer files of Hugging Face's layout. */
import { quote } from '../io/quote.js';
import { join } from 'node:path';
import type { ModelConfig } from '../config.js';
import { CheckpointError } from './checkpoint-error.js';
import { parseJson } from '../io/json-file.js';
import { readOptionalText } from '../io/whole-file.js';
import type { TokenizerSource } from './tokenizer-source.js';
import { isObject } from '../io/is-object.js';

const operation = 'read tokenizer';

/**
 * Reads tokenizer.json, tokenizer_config.json and chat_template.jinja of a folder.
 * @returns `{ kind: 'none' }` where there is no tokenizer.json
 * @throws CheckpointError for files that are no JSON objects
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerSource> {
  const tokenizer = await readObject(folder, 'tokenizer.json');
  if (tokenizer === undefined) return { kind: 'none' };
  const config = (await readObject(folder, 'tokenizer_config.json')) ?? {};
  // Newer transformers keep the template in a file of its own, which goes before the one in the config.
  const template =
    (await readOptionalText(folder, 'chat_template.jinja', operation)) ??
    defaultTemplate(config.chat_template);
  return {
    kind: 'huggingface',
    tokenizer,
    config,
    ...(typeof template === 'string' ? { chatTemplate: template } : {}),
  };
}

/** Older tokenizers list several templates by name; the one called `default` is for conversations. */
function defaultTemplate(given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  const named = given as ({ name?: unknown; template?: unknown } | null)[];
  return named.find((entry) => entry?.name === 'default')?.template;
}

async function readObject(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await readOptionalText(folder, name, operation);
  if (text === undefined) return undefined;
  const file = join(folder, name);
  const json = parseJson(text, file, operation);
  if (!isObject(json)) {
    throw new CheckpointError({
      operation,
      file,
      what: 'the file',
      expected: 'a JSON object',
      found: quote(json),
    });
  }
  return json;
}

/**
 * Checks that every id of the tokenizer has a row in the embedding. Fewer ids than rows are usual: rows are padded.
 * @throws CheckpointError
 */
export function checkVocabulary(source: TokenizerSource, config: ModelConfig, file: string): void {
  const largest = largestId(source);
  if (largest < config.vocab_size) return;
  throw new CheckpointError({
    operation,
    file,
    what: 'the largest token id',
    expected: `below vocab_size ${config.vocab_size}`,
    found: `${largest}`,
    hint: 'The tokenizer belongs to another model.',
  });
}

/** The largest id that a tokenizer can give; -1 where its vocabulary has a form this does not know. */
function largestId(source: TokenizerSource): number {
  if (source.kind === 'none') return -1;
  if (source.kind === 'gguf') return source.tokens.length - 1;
  let largest = -1;
  const consider = (id: unknown): void => {
    if (typeof id === 'number' && id > largest) largest = id;
  };
  const { model, added_tokens: added } = source.tokenizer as {
    model?: { vocab?: unknown };
    added_tokens?: unknown;
  };
  const vocabulary = model?.vocab;
  if (Array.isArray(vocabulary)) consider(vocabulary.length - 1);
  else if (typeof vocabulary === 'object' && vocabulary !== null) Object.values(vocabulary).forEach(consider);
  if (Array.isArray(added)) for (const token of added) consider((token as { id?: unknown } | null)?.id);
  return largest;
}
