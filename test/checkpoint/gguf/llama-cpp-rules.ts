/**
 * What llama.cpp asks of a GGUF file of the architecture `bitnet`, written from its reader (gguf.cpp, llama-vocab.cpp,
 * llama-model-loader.cpp, models/bitnet.cpp): a second reading of the format, which shares nothing with the one in lib.
 */

/** Numbers that llama.cpp reads with their type; a key of another type stops it. */
const NUMBERS = {
  'bitnet.context_length': 4,
  'bitnet.embedding_length': 4,
  'bitnet.block_count': 4,
  'bitnet.feed_forward_length': 4,
  'bitnet.attention.head_count': 4,
  'bitnet.attention.layer_norm_rms_epsilon': 6,
} as const;
const PRE_TOKENIZERS = ['llama-bpe', 'gpt-2'];
/** ggml's types: values of a block, bytes of a block. */
const TYPES: Readonly<Record<number, readonly [values: number, bytes: number]>> = {
  0: [1, 4],
  1: [1, 2],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
};
/** Bytes of the scalar types, by their numbers. */
export const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;

interface Value {
  type: number;
  value: unknown;
}
interface TensorInfo {
  name: string;
  shape: number[];
  type: number;
  offset: number;
}

/** The first reason for which llama.cpp would not load a file; undefined if it would. */
export function llamaCppRefusal(bytes: Buffer): string | undefined {
  try {
    const { pairs, tensors, alignment, dataStart } = readHeader(bytes);
    checkPairs(pairs);
    const vocabulary = checkVocabulary(pairs);
    checkPlaces(tensors, alignment, bytes.length - dataStart);
    checkTensors(pairs, tensors, vocabulary);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function demand(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem);
}

function readHeader(bytes: Buffer): {
  pairs: Map<string, Value>;
  tensors: TensorInfo[];
  alignment: number;
  dataStart: number;
} {
  let at = 0;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString('utf8', at, (at += length));
  };
  const scalar = (type: number): unknown => {
    if (type === STRING) return text();
    const width = SCALAR_BYTES[type];
    demand(width !== undefined, `invalid GGUF type ${type}`);
    at += width;
    if (type === 6) return bytes.readFloatLE(at - 4);
    return width === 4 ? bytes.readUInt32LE(at - 4) : bytes.readUIntLE(at - width, Math.min(width, 6));
  };
  demand(bytes.toString('latin1', 0, 4) === 'GGUF', 'invalid magic characters');
  at = 4;
  demand(u32() === 3, 'another version');
  const tensorCount = u64();
  const pairCount = u64();
  const pairs = new Map<string, Value>();
  for (let i = 0; i < pairCount; i++) {
    const key = text();
    demand(key !== '' && !pairs.has(key), `empty or duplicate key '${key}'`);
    const type = u32();
    if (type !== ARRAY) pairs.set(key, { type, value: scalar(type) });
    else {
      const elementType = u32();
      const length = u64();
      pairs.set(key, { type: 100 + elementType, value: Array.from({ length }, () => scalar(elementType)) });
    }
  }
  const alignment = (pairs.get('general.alignment')?.value as number | undefined) ?? 32;
  const tensors = Array.from({ length: tensorCount }, (): TensorInfo => {
    const name = text();
    const shape = Array.from({ length: u32() }, () => u64());
    return { name, shape, type: u32(), offset: u64() };
  });
  return { pairs, tensors, alignment, dataStart: Math.ceil(at / alignment) * alignment };
}

function checkPairs(pairs: ReadonlyMap<string, Value>): void {
  demand(pairs.get('general.architecture')?.value === 'bitnet', 'unknown model architecture');
  for (const [key, type] of Object.entries(NUMBERS)) {
    demand(pairs.has(key), `key not found in model: ${key}`);
    demand(pairs.get(key)!.type === type, `key ${key} has wrong type ${pairs.get(key)!.type}`);
  }
}

/** Number of tokens that the vocabulary gives. */
function checkVocabulary(pairs: ReadonlyMap<string, Value>): number {
  const model = pairs.get('tokenizer.ggml.model')?.value;
  demand(model !== undefined, 'key not found in model: tokenizer.ggml.model');
  if (model === 'no_vocab') return (pairs.get('bitnet.vocab_size')?.value as number | undefined) ?? 0;
  demand(model === 'gpt2', `unknown tokenizer: '${String(model)}'`);
  const tokens = pairs.get('tokenizer.ggml.tokens');
  const merges = pairs.get('tokenizer.ggml.merges');
  demand(merges?.type === 100 + STRING, 'cannot find tokenizer merges in model file');
  demand(tokens?.type === 100 + STRING, 'cannot find tokenizer vocab in model file');
  demand(
    (merges!.value as string[]).every((merge) => merge.indexOf(' ', 1) > 0),
    'a merge without a space',
  );
  const pre = pairs.get('tokenizer.ggml.pre')?.value;
  demand(
    pre === undefined || PRE_TOKENIZERS.includes(pre as string),
    `unknown pre-tokenizer type: '${String(pre)}'`,
  );
  const count = (tokens!.value as string[]).length;
  const types = pairs.get('tokenizer.ggml.token_type')?.value as number[] | undefined;
  demand(types === undefined || types.length === count, 'token types of another number');
  demand(new Set(tokens!.value as string[]).size === count, 'a token twice');
  return count;
}

function checkPlaces(tensors: readonly TensorInfo[], alignment: number, dataBytes: number): void {
  demand(new Set(tensors.map(({ name }) => name)).size === tensors.length, 'duplicate tensor name');
  let next = 0;
  for (const { name, shape, type, offset } of tensors) {
    demand(Buffer.byteLength(name) < 64, `tensor name ${name} is too long`);
    demand(shape.length <= 4, `tensor '${name}' has invalid number of dimensions`);
    const [values, blockBytes] = TYPES[type] ?? [0, 0];
    demand(
      values > 0 && shape[0] % values === 0,
      `tensor '${name}' of type ${type}: rows are no multiple of blocks`,
    );
    demand(offset === next, `tensor '${name}' has offset ${offset}, expected ${next}`);
    const bytes = (shape.reduce((product, length) => product * length, 1) / values) * blockBytes;
    next = Math.ceil((offset + bytes) / alignment) * alignment;
  }
  demand(next <= dataBytes, 'data is not within the file bounds, model is corrupted or incomplete');
}

function checkTensors(
  pairs: ReadonlyMap<string, Value>,
  tensors: readonly TensorInfo[],
  vocabulary: number,
): void {
  const number = (key: string): number => pairs.get(`bitnet.${key}`)?.value as number;
  const [width, inner, heads] = ['embedding_length', 'feed_forward_length', 'attention.head_count'].map(
    number,
  );
  const kvWidth = (width / heads) * (number('attention.head_count_kv') || heads);
  const expected = new Map<string, number[]>([
    ['token_embd.weight', [width, vocabulary]],
    ['output_norm.weight', [width]],
  ]);
  for (let i = 0; i < number('block_count'); i++) {
    const add = (part: string, ...shape: number[]): unknown => expected.set(`blk.${i}.${part}.weight`, shape);
    add('attn_norm', width);
    add('attn_sub_norm', width);
    add('attn_q', width, width);
    add('attn_k', width, kvWidth);
    add('attn_v', width, kvWidth);
    add('attn_output', width, width);
    add('ffn_norm', width);
    add('ffn_sub_norm', inner);
    add('ffn_gate', width, inner);
    add('ffn_up', width, inner);
    add('ffn_down', inner, width);
  }
  const found = new Map(tensors.map(({ name, shape }) => [name, shape]));
  for (const [name, shape] of expected) {
    demand(found.has(name), `missing tensor '${name}'`);
    demand(
      found.get(name)!.join() === shape.join(),
      `tensor '${name}' has wrong shape; expected ${shape.join()}`,
    );
  }
  demand(
    found.size === expected.size,
    `wrong number of tensors; expected ${found.size}, got ${expected.size}`,
  );
}
