/**
 * How the four layouts place ternary weights in bytes, and how they are taken out again.
 *
 * Every layout stores a weight as its code, weight + 1: 0, 1 or 2. Layouts, for a matrix `[out, in]`:
 * - `packed` (transformers): uint8 `[out / 4, in]`. With R = out / 4, byte (r, c) holds rows r, r + R, r + 2R and
 *   r + 3R of column c, low bits first. The scale is a tensor of its own.
 * - `I2_S` (bitnet.cpp, x86): 128 consecutive weights of the flattened matrix in 32 bytes. Byte j holds weights j,
 *   j + 32, j + 64 and j + 96, HIGH bits first. After all codes 32 bytes, of which the first 4 are the scale as F32.
 * - `TQ2_0` (ggml): 256 weights of a row in 66 bytes. Byte j of the first 32 holds weights j, j + 32, j + 64 and
 *   j + 96, low bits first; the next 32 hold weights 128 to 255 likewise; then the scale as F16.
 * - `TQ1_0` (ggml): 256 weights of a row in 54 bytes, five weights a byte in base 3 (3⁵ = 243). Bytes 0 to 31 hold
 *   weights j + 32n (n < 5), bytes 32 to 47 weights 160 + j + 16n, bytes 48 to 51 the four weights 240 + j + 4n; then
 *   the scale as F16. A byte is ⌈v · 256 / 243⌉ of the number v whose first digit is the most significant, so the
 *   digits come out by multiplying with 3 and taking what overflows.
 */
import type { TernaryEncoding } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { halfToNumber, numberToHalf } from './dtypes.js';
import { I2S_GROUP_WEIGHTS, I2S_TAIL_BYTES, TQ_BLOCK_BYTES, TQ_BLOCK_WEIGHTS } from './encodings.js';

/** A ternary matrix, one weight a byte. */
export interface TernaryMatrix {
  /** -1, 0 and 1, row-major. */
  values: Int8Array;
  /** `[out, in]`. */
  shape: readonly [out: number, input: number];
  /** The factor of all weights, as far as the encoding keeps it: undefined for `packed`. */
  scale?: number;
}

/** Where packed bytes come from, for an error message. */
export interface PackedSource {
  file: string;
  tensor: string;
  /** Where the tensor starts in the file. */
  byteOffset: number;
}

function badCode(source: PackedSource, byteIndex: number, expected: string, found: number): CheckpointError {
  const { file, tensor, byteOffset } = source;
  return new CheckpointError({
    operation: 'unpack',
    file,
    tensor,
    offset: byteOffset + byteIndex,
    what: 'packed byte',
    expected,
    found: `0x${found.toString(16).padStart(2, '0')}`,
    hint: 'The file is damaged, or it was packed in another layout.',
  });
}

/** A byte holds four codes of two bits; code 3 stands for no weight. */
function hasCode3(byte: number): boolean {
  return (byte & (byte >> 1) & 0x55) !== 0;
}

const FOUR_CODES = 'four codes of 0, 1 or 2';

/** Fills the bytes of a matrix whose shape and values are checked. */
export const PACKERS: {
  readonly [E in TernaryEncoding]: (matrix: TernaryMatrix, bytes: Uint8Array) => void;
} = {
  packed({ values, shape: [out, input] }, bytes) {
    const quarter = (out / 4) * input;
    for (let i = 0; i < quarter; i++) {
      let byte = 0;
      for (let k = 0; k < 4; k++) byte |= (values[i + k * quarter] + 1) << (2 * k);
      bytes[i] = byte;
    }
  },

  I2_S({ values, scale = 1 }, bytes) {
    for (let start = 0; start < values.length; start += I2S_GROUP_WEIGHTS) {
      for (let j = 0; j < 32; j++) {
        let byte = 0;
        for (let k = 0; k < 4; k++) byte |= (values[start + j + 32 * k] + 1) << (6 - 2 * k);
        bytes[start / 4 + j] = byte;
      }
    }
    new DataView(bytes.buffer).setFloat32(bytes.length - I2S_TAIL_BYTES, scale, true);
  },

  TQ2_0({ values, scale = 1 }, bytes) {
    const view = new DataView(bytes.buffer);
    const scaleCode = numberToHalf('F16', scale);
    for (let block = 0; block * TQ_BLOCK_WEIGHTS < values.length; block++) {
      const to = block * TQ_BLOCK_BYTES.TQ2_0;
      for (let j = 0; j < 64; j++) {
        const from = block * TQ_BLOCK_WEIGHTS + (j < 32 ? j : j + 96);
        let byte = 0;
        for (let k = 0; k < 4; k++) byte |= (values[from + 32 * k] + 1) << (2 * k);
        bytes[to + j] = byte;
      }
      view.setUint16(to + 64, scaleCode, true);
    }
  },

  TQ1_0({ values, scale = 1 }, bytes) {
    const view = new DataView(bytes.buffer);
    const scaleCode = numberToHalf('F16', scale);
    for (let block = 0; block * TQ_BLOCK_WEIGHTS < values.length; block++) {
      const to = block * TQ_BLOCK_BYTES.TQ1_0;
      const from = block * TQ_BLOCK_WEIGHTS;
      for (const { byte: first, count, weight, stride, digits } of TQ1_GROUPS) {
        for (let j = 0; j < count; j++) {
          let v = 0;
          for (let n = 0; n < 5; n++) {
            v = v * 3 + (n < digits ? values[from + weight + j + stride * n] + 1 : 0);
          }
          bytes[to + first + j] = Math.ceil((v * 256) / 243);
        }
      }
      view.setUint16(to + 52, scaleCode, true);
    }
  },
};

/** The three groups of bytes in a TQ1_0 block: first byte, their count, first weight, distance of a byte's weights. */
const TQ1_GROUPS = [
  { byte: 0, count: 32, weight: 0, stride: 32, digits: 5 },
  { byte: 32, count: 16, weight: 160, stride: 16, digits: 5 },
  { byte: 48, count: 4, weight: 240, stride: 4, digits: 4 },
] as const;

/** The number that a TQ1_0 byte stands for; undefined for the 13 bytes that no number gives. */
const TQ1_NUMBERS: readonly (number | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const v = Math.floor((byte * 243) / 256);
  return Math.ceil((v * 256) / 243) === byte ? v : undefined;
});

/** @returns the scale, undefined for an encoding that keeps none */
type Unpacker = (bytes: Uint8Array, matrix: TernaryMatrix, source: PackedSource) => number | undefined;

/** Fills the values of a matrix whose size is checked, and gives its scale. @throws CheckpointError */
export const UNPACKERS: { readonly [E in TernaryEncoding]: Unpacker } = {
  packed(bytes, { values }, source) {
    for (let i = 0; i < bytes.length; i++) {
      if (hasCode3(bytes[i])) throw badCode(source, i, FOUR_CODES, bytes[i]);
      for (let k = 0; k < 4; k++) values[i + k * bytes.length] = ((bytes[i] >> (2 * k)) & 3) - 1;
    }
    return undefined;
  },

  I2_S(bytes, { values }, source) {
    for (let start = 0; start < values.length; start += I2S_GROUP_WEIGHTS) {
      for (let j = 0; j < 32; j++) {
        const at = start / 4 + j;
        if (hasCode3(bytes[at])) throw badCode(source, at, FOUR_CODES, bytes[at]);
        for (let k = 0; k < 4; k++) values[start + j + 32 * k] = ((bytes[at] >> (6 - 2 * k)) & 3) - 1;
      }
    }
    const tail = bytes.length - I2S_TAIL_BYTES;
    return requireScale(viewOf(bytes).getFloat32(tail, true), tail, source);
  },

  TQ2_0(bytes, { values }, source) {
    for (let block = 0; block * TQ_BLOCK_WEIGHTS < values.length; block++) {
      const from = block * TQ_BLOCK_BYTES.TQ2_0;
      for (let j = 0; j < 64; j++) {
        const byte = bytes[from + j];
        if (hasCode3(byte)) throw badCode(source, from + j, FOUR_CODES, byte);
        const to = block * TQ_BLOCK_WEIGHTS + (j < 32 ? j : j + 96);
        for (let k = 0; k < 4; k++) values[to + 32 * k] = ((byte >> (2 * k)) & 3) - 1;
      }
    }
    return commonScale(bytes, values, TQ_BLOCK_BYTES.TQ2_0, source);
  },

  TQ1_0(bytes, { values }, source) {
    for (let block = 0; block * TQ_BLOCK_WEIGHTS < values.length; block++) {
      const from = block * TQ_BLOCK_BYTES.TQ1_0;
      const to = block * TQ_BLOCK_WEIGHTS;
      for (const { byte: first, count, weight, stride, digits } of TQ1_GROUPS) {
        for (let j = 0; j < count; j++) {
          const byte = bytes[from + first + j];
          let v = TQ1_NUMBERS[byte];
          // A byte of four weights has 0 as its fifth digit.
          if (v === undefined || (digits === 4 && v % 3 !== 0)) {
            throw badCode(source, from + first + j, `⌈v · 256 / 243⌉ of ${digits} digits in base 3`, byte);
          }
          for (let n = 4; n >= 0; n--) {
            if (n < digits) values[to + weight + j + stride * n] = (v % 3) - 1;
            v = Math.floor(v / 3);
          }
        }
      }
    }
    return commonScale(bytes, values, TQ_BLOCK_BYTES.TQ1_0, source);
  },
};

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function requireScale(scale: number, byteIndex: number, source: PackedSource, expected?: string): number {
  if (scale > 0 && scale < Infinity && expected === undefined) return scale;
  const { file, tensor, byteOffset } = source;
  throw new CheckpointError({
    operation: 'unpack',
    file,
    tensor,
    offset: byteOffset + byteIndex,
    what: 'scale',
    expected: expected ?? 'finite and above 0',
    found: `${scale}`,
    hint: 'The file is damaged.',
  });
}

/**
 * The one scale of a matrix in blocks. A kernel that multiplies by one scale a matrix would be silently wrong on a
 * file with several, so they are refused; a block of zeros may have the scale 0, as ggml writes it.
 */
function commonScale(bytes: Uint8Array, values: Int8Array, blockBytes: number, source: PackedSource): number {
  const view = viewOf(bytes);
  let common: number | undefined;
  for (let block = 0; block * blockBytes < bytes.length; block++) {
    const at = block * blockBytes + blockBytes - 2;
    const scale = halfToNumber('F16', view.getUint16(at, true));
    if (scale === 0) {
      const weights = values.subarray(block * TQ_BLOCK_WEIGHTS, (block + 1) * TQ_BLOCK_WEIGHTS);
      if (weights.some((value) => value !== 0)) requireScale(scale, at, source);
      continue;
    }
    common ??= requireScale(scale, at, source);
    if (scale !== common) requireScale(scale, at, source, `${common}, as in the blocks before it`);
  }
  return common ?? requireScale(0, blockBytes - 2, source);
}
