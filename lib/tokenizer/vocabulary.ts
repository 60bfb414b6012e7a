/** The checked vocabulary of a tokenizer.json: what each id stands for, as text and as bytes. */
import { quote } from '../io/quote.js';
import { checkSteps } from './steps.js';
import type { TokenizerJson } from './tokenizer-json.js';
import { TokenizerError } from '../io/tokenizer-error.js';
import { isObject } from '../io/is-object.js';

/** No vocabulary in use has a tenth of this; ids index an array. */
const MAX_ID = 2 ** 24;

/** How tokens are written in the vocabulary: a character for each byte (GPT-2's table), or as they read. */
type Spelling = 'bytes' | 'characters';

/** What each id of a tokenizer stands for. */
export interface Vocabulary {
  /** Content of each id as the file spells it; holes where an id stands for nothing. */
  readonly contents: readonly (string | undefined)[];
  /** Ids of special tokens, such as the beginning of a text. */
  readonly special: ReadonlySet<number>;
  /** The id that a content has. */
  idOf(content: string): number | undefined;
  /** The bytes of an id; empty where it stands for nothing. */
  bytesOf(id: number): Uint8Array;
}

/**
 * Checks a tokenizer.json as far as the library does not.
 * @param json what JSON.parse returned; untrusted
 * @throws TokenizerError for a kind of tokenizer that is not byte-level BPE or a vocabulary of characters, for ids that
 * are no ids, and for an id or a content that is there twice
 */
export function readVocabulary(json: Readonly<Record<string, unknown>>): Vocabulary {
  const tokenizer = json as unknown as TokenizerJson;
  const spelling = checkKind(tokenizer);
  const contents: (string | undefined)[] = [];
  const ids = new Map<string, number>();
  const special = new Set<number>();
  const add = (content: string, id: unknown): number => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_ID) {
      throw new TokenizerError(
        `load tokenizer: the id of ${quote(content)} must be a whole number from 0 to ${MAX_ID - 1}, got ${quote(id)}.`,
      );
    }
    // A token may stand both in the vocabulary and among the added ones, if it is the same in both.
    if ((contents[id] ?? content) !== content) {
      throw new TokenizerError(
        `load tokenizer: an id must stand for one token, got ${id} for ${quote(contents[id])} and for ${quote(content)}.`,
      );
    }
    if ((ids.get(content) ?? id) !== id) {
      throw new TokenizerError(
        `load tokenizer: a token must have one id, got ${ids.get(content)} and ${id} for ${quote(content)}.`,
      );
    }
    contents[id] = content;
    ids.set(content, id);
    return id;
  };
  for (const [content, id] of Object.entries(tokenizer.model.vocab)) add(content, id);
  for (const token of addedTokens(tokenizer)) {
    const id = add(token.content, token.id);
    if (token.special === true) special.add(id);
  }
  if (ids.size === 0) throw new TokenizerError('load tokenizer: model.vocab must have tokens, got none.');
  checkSteps(tokenizer);
  const bytes: Uint8Array[] = [];
  return {
    contents,
    special,
    idOf: (content) => ids.get(content),
    bytesOf: (id) => (bytes[id] ??= spelledBytes(contents[id] ?? '', spelling)),
  };
}

function checkKind({ model, decoder }: TokenizerJson): Spelling {
  const vocabulary: unknown = model?.vocab;
  if (!isObject(vocabulary)) {
    throw new TokenizerError(
      `load tokenizer: model.vocab must be an object of tokens and ids, got ${quote(vocabulary)}, with model.type ${quote(model?.type)}.`,
    );
  }
  const kind = `${quote(model.type)} with decoder ${quote(decoder?.type)}`;
  if (kind === '"WordLevel" with decoder "Fuse"') return 'characters';
  if (kind === '"BPE" with decoder "ByteLevel"') {
    checkMerges(model.merges);
    checkAffixes(model);
    return 'bytes';
  }
  throw new TokenizerError(
    'load tokenizer: model and decoder must be "BPE" with "ByteLevel" (as 2B4T) or "WordLevel" with "Fuse" (characters), ' +
      `got ${kind}.`,
  );
}

/** Merges come as "a b" in older files and as ["a", "b"] in newer ones. */
function checkMerges(merges: unknown): void {
  if (!Array.isArray(merges)) {
    throw new TokenizerError(`load tokenizer: model.merges must be a list, got ${quote(merges)}.`);
  }
  const arePairs = Array.isArray(merges[0]);
  const isMerge = arePairs ? isPair : isSpacedPair;
  const wrong = merges.findIndex((merge) => !isMerge(merge));
  if (wrong === -1) return;
  throw new TokenizerError(
    `load tokenizer: merge ${wrong} must be two tokens, ${arePairs ? '["a", "b"]' : '"a b"'} like the first, got ${quote(merges[wrong])}.`,
  );
}

/** Byte-level tokens have the space in them; marks for the inside or the end of a word are another kind's. */
function checkAffixes(model: { readonly [key: string]: unknown }): void {
  for (const key of ['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix']) {
    if ((model[key] ?? '') === '') continue;
    throw new TokenizerError(`load tokenizer: model.${key} must be empty, got ${quote(model[key])}.`);
  }
}

function isPair(merge: unknown): boolean {
  return (
    Array.isArray(merge) && merge.length === 2 && typeof merge[0] === 'string' && typeof merge[1] === 'string'
  );
}

function isSpacedPair(merge: unknown): boolean {
  if (typeof merge !== 'string') return false;
  const space = merge.indexOf(' ');
  return space > 0 && space < merge.length - 1 && !merge.includes(' ', space + 1);
}

function addedTokens({
  added_tokens: added = [],
}: TokenizerJson): NonNullable<TokenizerJson['added_tokens']> {
  if (!Array.isArray(added)) {
    throw new TokenizerError(`load tokenizer: added_tokens must be a list, got ${quote(added)}.`);
  }
  for (const [index, token] of added.entries()) {
    const content: unknown = (token as { content?: unknown } | null)?.content;
    if (typeof content !== 'string' || content === '') {
      throw new TokenizerError(
        `load tokenizer: added token ${index} must have a content, got ${quote(content)}.`,
      );
    }
  }
  return added;
}

/** GPT-2's table: bytes that print stand for themselves, the other 68 for characters from U+0100 on. */
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = (() => {
  const isPrinted = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(isPrinted(byte) ? byte : next++), byte]),
  );
})();

function spelledBytes(content: string, spelling: Spelling): Uint8Array {
  if (spelling === 'bytes') {
    const bytes = Array.from(content, (character) => BYTE_OF_CHARACTER.get(character));
    if (!bytes.includes(undefined)) return Uint8Array.from(bytes as number[]);
  }
  // An added token with a character outside the table, such as a space, is taken as it reads, as Python's decoder does.
  return new TextEncoder().encode(content);
}
