/**
 * The steps that a tokenizer.json has every text go through: normalizer, pre-tokenizer, post-processor. The library takes
 * them as they come. A file of a few lines can ask for steps that never end, or that make a text a million times as
 * long; what real tokenizers have stays far below the bounds here.
 */
import { quote } from '../io/quote.js';
import { TokenizerError } from '../io/tokenizer-error.js';
import type { TokenizerJson } from './tokenizer-json.js';

/** Most steps of a kind, those of nested sequences counted. */
const MAX_STEPS = 16;
/** How much longer all steps of a kind together may make a text. */
const MAX_GROWTH = 64;
/** Most special tokens that a template puts around a text. */
const MAX_TEMPLATE_PIECES = 64;
const MAX_PATTERN_LENGTH = 10_000;
/** The library holds added tokens letter by letter. */
const MAX_ADDED_LENGTH = 1024;
const MAX_ADDED_CHARACTERS = 2 ** 20;

interface Step {
  type?: unknown;
  [key: string]: unknown;
}

/** How much longer each kind of step can make a text; other kinds are refused. */
const NORMALIZERS: Readonly<Record<string, (step: Step) => number>> = {
  BertNormalizer: () => 3,
  Precompiled: () => 1,
  Replace: growthOfReplace,
  // Some characters come apart into as many as 18, but no text consists of them.
  NFC: () => 1,
  NFD: () => 1,
  NFKC: () => 1,
  NFKD: () => 1,
  Strip: () => 1,
  StripAccents: () => 1,
  Lowercase: () => 1,
  Prepend: ({ prepend }) => lengthOf(prepend),
};
const PRE_TOKENIZERS: Readonly<Record<string, (step: Step) => number>> = {
  BertPreTokenizer: () => 1,
  Whitespace: () => 1,
  WhitespaceSplit: () => 1,
  Punctuation: () => 1,
  Digits: () => 1,
  Split: () => 1,
  Metaspace: ({ str_rep: given, replacement }) => lengthOf(given ?? replacement),
  // UTF-8 has up to three bytes for a character, and each becomes a character.
  ByteLevel: () => 3,
};
const POST_PROCESSORS: Readonly<Record<string, (step: Step) => number>> = {
  ByteLevel: () => 1,
  BertProcessing: () => 1,
  RobertaProcessing: () => 1,
  TemplateProcessing: ({ single }) => {
    checkTemplate(single);
    return 1;
  },
};

/**
 * Checks the steps of a tokenizer.json.
 * @throws TokenizerError for steps that the library does not have, that are too many, or that blow a text up
 */
export function checkSteps(tokenizer: TokenizerJson): void {
  checkKind('normalizer', tokenizer.normalizer, 'normalizers', NORMALIZERS);
  checkKind('pre_tokenizer', tokenizer.pre_tokenizer, 'pretokenizers', PRE_TOKENIZERS);
  checkKind('post_processor', tokenizer.post_processor, 'processors', POST_PROCESSORS);
  let characters = 0;
  for (const { content } of tokenizer.added_tokens ?? []) {
    characters += content.length;
    if (content.length <= MAX_ADDED_LENGTH && characters <= MAX_ADDED_CHARACTERS) continue;
    throw new TokenizerError(
      `load tokenizer: added tokens must have at most ${MAX_ADDED_LENGTH} characters each and ${MAX_ADDED_CHARACTERS} together, got more at ${quote(content)}.`,
    );
  }
}

/** @param sequence the key under which a sequence of this kind lists its steps */
function checkKind(
  part: string,
  given: unknown,
  sequence: string,
  kinds: Readonly<Record<string, (step: Step) => number>>,
): void {
  const fail = (what: string, expected: string, found: unknown): never => {
    throw new TokenizerError(`load tokenizer: ${what} must be ${expected}, got ${quote(found)}.`);
  };
  const waiting: unknown[] = given === undefined || given === null ? [] : [given];
  let steps = 0;
  let growth = 1;
  while (waiting.length > 0) {
    const step = waiting.pop() as Step | null;
    steps += 1;
    if (steps > MAX_STEPS) fail(part, `at most ${MAX_STEPS} steps`, 'more');
    if (typeof step !== 'object' || step === null) return fail(`a step of ${part}`, 'an object', step);
    if (step.type === 'Sequence') {
      const inner = step[sequence] ?? [];
      if (!Array.isArray(inner)) return fail(`${part}.${sequence}`, 'a list', inner);
      // A list of a million would be refused one by one.
      waiting.push(...(inner as unknown[]).slice(0, MAX_STEPS + 1));
      continue;
    }
    const kind =
      typeof step.type === 'string' && Object.hasOwn(kinds, step.type) ? kinds[step.type] : undefined;
    if (kind === undefined) {
      return fail(`a step of ${part}`, `one of ${['Sequence', ...Object.keys(kinds)].join(', ')}`, step.type);
    }
    checkPattern(part, step);
    growth *= kind(step);
    if (growth > MAX_GROWTH)
      fail(part, `steps that make a text at most ${MAX_GROWTH} times as long`, step.type);
  }
}

function checkPattern(part: string, { type, pattern }: Step): void {
  if (type !== 'Split' && type !== 'Replace') return;
  const { Regex: regex, String: text } = (pattern ?? {}) as { Regex?: unknown; String?: unknown };
  const given = regex ?? text;
  if (typeof given === 'string' && given.length <= MAX_PATTERN_LENGTH) return;
  throw new TokenizerError(
    `load tokenizer: the pattern of a step of ${part} must be a Regex or a String of at most ${MAX_PATTERN_LENGTH} characters, ` +
      `got ${typeof given === 'string' ? given.length : quote(pattern)}.`,
  );
}

/** A pattern that may match nothing puts its content between all characters. */
function growthOfReplace({ pattern, content }: Step): number {
  const { String: text } = (pattern ?? {}) as { String?: unknown };
  const found = typeof text === 'string' ? text.length : 0;
  const put = typeof content === 'string' ? content.length : 0;
  return found > 0 ? Math.max(1, put / found) : put + 1;
}

/** A template names the text once, and special tokens around it. */
function checkTemplate(single: unknown): void {
  const pieces: unknown[] = Array.isArray(single) ? (single as unknown[]) : [];
  const texts = pieces.filter((piece) => Object.hasOwn(Object(piece) as object, 'Sequence'));
  const isPlain = texts.length === 1 && (texts[0] as { Sequence?: { id?: unknown } }).Sequence?.id === 'A';
  if (isPlain && pieces.length <= MAX_TEMPLATE_PIECES) return;
  throw new TokenizerError(
    `load tokenizer: the template of post_processor must be a list of at most ${MAX_TEMPLATE_PIECES} pieces with the text A once, ` +
      `got ${pieces.length} pieces with ${texts.length} texts.`,
  );
}

function lengthOf(text: unknown): number {
  return typeof text === 'string' ? Math.max(1, text.length) : 1;
}
