/** Options of training, checked before anything is computed: each with what must be expected and what was got. */
import { totalmem } from 'node:os';
import { inspect } from 'node:util';
import { ablationOptions, type ModelConfig } from '../config.js';
import type { Corpus } from '../corpora/corpus.js';
import { formatBytes } from '../io/format-bytes.js';
import { schedule } from './schedule.js';
import type { TrainingOptions } from './types.js';
import { isObject } from '../io/is-object.js';

/** Largest length of a batch and of its sequences: more is a slip of the pen. */
const MAX_COUNT = 2 ** 24;
const FLOAT_BYTES = 4;
const MAX_SHOWN = 80;

/** Every option, and what is wrong with a value of it, as what must be expected; undefined where nothing is. */
const RULES: { [K in keyof Required<TrainingOptions>]: (value: unknown) => string | undefined } = {
  steps: whole,
  batch: count,
  context: count,
  evaluateEvery: whole,
  validationWindows: count,
  checkpointEvery: optional(whole),
  clipNorm: optional((value) => expect(isNumber(value) && value > 0, 'a number above 0; 1e9 clips nothing')),
  betas: optional((value) =>
    expect(
      Array.isArray(value) &&
        value.length === 2 &&
        value.every((beta) => isNumber(beta) && beta >= 0 && beta < 1),
      'two numbers from 0 to below 1',
    ),
  ),
  quantizeFrom: optional((value) =>
    expect(Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number from 0'),
  ),
  diagnostics: optional((value) => expect(typeof value === 'boolean', 'true or false')),
  schedule: (value) => expect(isObject(value), 'an object with kind, peak and lengths'),
  seeds: (value) =>
    expect(
      isObject(value) &&
        [value.weights, value.batches].every((seed) => Number.isSafeInteger(seed) && (seed as number) >= 0),
      'weights and batches, each a whole number from 0',
    ),
};

/** @throws Error that names the option, for values that no training can have, or that contradict model or corpus */
export function checkTrainingOptions(config: ModelConfig, corpus: Corpus, options: TrainingOptions): void {
  if (!isObject(options)) throw new Error(`train: options must be an object, got ${shown(options)}.`);
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(RULES, key));
  if (unknown !== undefined) {
    throw new Error(`train: options must be of ${Object.keys(RULES).join(', ')}, got ${shown(unknown)}.`);
  }
  for (const [key, expectedOf] of Object.entries(RULES)) {
    const value = options[key as keyof TrainingOptions];
    const expected = expectedOf(value);
    if (expected !== undefined) throw new Error(`train: ${key} must be ${expected}, got ${shown(value)}.`);
  }
  schedule(options.schedule);
  checkQuantizeFrom(config, options);
  checkCorpusFits('train', config, corpus, options.context);
  checkMemory(config, options);
  // Drawn once for its own checks: a text that is too short would end the run at its first evaluation.
  corpus.validationWindows(options.validationWindows, options.context);
}

/** @throws Error where the quantizers would never come in, or one of them learns from the first step on */
function checkQuantizeFrom(config: ModelConfig, { quantizeFrom = 0, steps }: TrainingOptions): void {
  if (quantizeFrom === 0) return;
  if (quantizeFrom >= steps)
    throw new Error(`train: quantizeFrom must be below the ${steps} steps, got ${quantizeFrom}.`);
  if (ablationOptions(config).activation_quantizer === 'elastic-int8')
    throw new Error(`train: quantizeFrom must be 0 beside elastic-int8, got ${quantizeFrom}.`);
}

/**
 * Holds a corpus and a length of windows against a model.
 * @throws Error: ids beyond the vocabulary have no embedding, and no position was learned beyond the longest
 */
export function checkCorpusFits(
  operation: string,
  config: ModelConfig,
  corpus: Corpus,
  context: number,
): void {
  const { max_position_embeddings: longest, vocab_size: vocabulary } = config;
  if (count(context) !== undefined || context > longest) {
    throw new Error(
      `${operation}: context must be a whole number from 1, at most max_position_embeddings ${longest}, got ${shown(context)}.`,
    );
  }
  if (corpus.vocabSize > vocabulary) {
    throw new Error(
      `${operation}: vocab_size must be at least the ${corpus.vocabSize} tokens of ${corpus.name}, got ${vocabulary}.`,
    );
  }
}

/**
 * Refuses a batch that cannot fit: the system would end the process without a word. Counts less than a step holds, so
 * that nothing is refused that could be trained: the logits, and of each layer what the gradient reads again.
 */
function checkMemory(config: ModelConfig, { batch, context }: TrainingOptions): void {
  const { vocab_size: vocabulary, num_hidden_layers: layers, hidden_size, intermediate_size } = config;
  const values = vocabulary + layers * (4 * hidden_size + 2 * intermediate_size);
  const needed = batch * context * values * FLOAT_BYTES;
  // Without a limit the system reports an enormous number.
  const limit = process.constrainedMemory?.() ?? 0;
  const there = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (needed <= there) return;
  throw new Error(
    `train: a batch must fit into the ${formatBytes(there)} of memory, got ${batch} sequences of ${context} tokens, ` +
      `which need more than ${formatBytes(needed)}. Take a smaller batch or context.`,
  );
}

function whole(value: unknown): string | undefined {
  return expect(Number.isSafeInteger(value) && (value as number) >= 1, 'a whole number from 1');
}

function count(value: unknown): string | undefined {
  const isCount = whole(value) === undefined && (value as number) <= MAX_COUNT;
  return expect(isCount, `a whole number from 1 to ${MAX_COUNT}`);
}

function optional(rule: (value: unknown) => string | undefined): (value: unknown) => string | undefined {
  return (value) => (value === undefined ? undefined : rule(value));
}

function expect(isRight: boolean, expected: string): string | undefined {
  return isRight ? undefined : expected;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Infinity });
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
