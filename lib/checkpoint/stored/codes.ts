/**
 * Small numbers in bytes: so many bits each, or five of three values in a byte. Codes run from 0 to levels − 1.
 *
 * - `bits`: ⌈log₂ levels⌉ bits each, low bits first, without a gap between bytes. Ternary codes take 2.
 * - `trits`: five codes of 0, 1 or 2 as the digits of a number below 3⁵ = 243, the first the least significant: 1.6 bits each.
 *
 * What is left of the last byte is zero.
 */

/** Bytes that hold no codes, and what is wrong with them. */
export class CodeError extends Error {
  override readonly name = 'CodeError';
  constructor(
    /** Index of the byte. */
    readonly byteIndex: number,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`unpack codes: byte ${byteIndex} must be ${expected}, got ${found}.`);
  }
}

const TRITS_PER_BYTE = 5;
const TRIT_PLACES = [1, 3, 9, 27, 81] as const;
const TRIT_NUMBERS = 3 ** TRITS_PER_BYTE;

/** Bits of a code in the form `bits`. */
function codeBits(levels: number): number {
  return Math.ceil(Math.log2(levels));
}

/** Bytes of `count` codes. */
export function codeBytes(form: 'bits' | 'trits', count: number, levels: number): number {
  return form === 'trits' ? Math.ceil(count / TRITS_PER_BYTE) : Math.ceil((count * codeBits(levels)) / 8);
}

/**
 * Packs codes.
 * @throws RangeError for a code that is no whole number below `levels`
 */
export function packCodes(form: 'bits' | 'trits', codes: Uint8Array, levels: number): Uint8Array {
  requireCodes(codes, levels);
  const bytes = new Uint8Array(codeBytes(form, codes.length, levels));
  if (form === 'trits') {
    for (let i = 0; i < codes.length; i++) {
      bytes[Math.floor(i / TRITS_PER_BYTE)] += codes[i] * TRIT_PLACES[i % TRITS_PER_BYTE];
    }
    return bytes;
  }
  const width = codeBits(levels);
  for (let i = 0, bit = 0; i < codes.length; i++, bit += width) {
    const shifted = codes[i] << (bit & 7);
    bytes[bit >> 3] |= shifted;
    if ((bit & 7) + width > 8) bytes[(bit >> 3) + 1] |= shifted >> 8;
  }
  return bytes;
}

/**
 * Unpacks codes.
 * @param bytes as many as {@link codeBytes} says
 * @throws CodeError for a byte that packing does not write
 */
export function unpackCodes(
  form: 'bits' | 'trits',
  bytes: Uint8Array,
  count: number,
  levels: number,
): Uint8Array {
  const codes = new Uint8Array(count);
  if (form === 'trits') unpackTrits(bytes, codes);
  else unpackBits(bytes, codes, levels);
  return codes;
}

function unpackTrits(bytes: Uint8Array, codes: Uint8Array): void {
  for (let b = 0; b < bytes.length; b++) {
    let number = bytes[b];
    const digits = Math.min(TRITS_PER_BYTE, codes.length - b * TRITS_PER_BYTE);
    if (number >= 3 ** digits) {
      const limit = digits === TRITS_PER_BYTE ? TRIT_NUMBERS : 3 ** digits;
      throw new CodeError(b, `below ${limit}, ${digits} digits of base 3`, `${number}`);
    }
    for (let digit = 0; digit < digits; digit++, number = Math.floor(number / 3)) {
      codes[b * TRITS_PER_BYTE + digit] = number % 3;
    }
  }
}

function unpackBits(bytes: Uint8Array, codes: Uint8Array, levels: number): void {
  const width = codeBits(levels);
  const mask = 2 ** width - 1;
  for (let i = 0, bit = 0; i < codes.length; i++, bit += width) {
    const at = bit >> 3;
    const pair = bytes[at] | ((bytes[at + 1] ?? 0) << 8);
    const code = (pair >> (bit & 7)) & mask;
    if (code >= levels) throw new CodeError(at, `codes below ${levels}`, `code ${code}`);
    codes[i] = code;
  }
  const used = codes.length * width;
  const rest = used % 8 === 0 ? 0 : bytes[bytes.length - 1] >> (used & 7);
  if (rest !== 0) throw new CodeError(bytes.length - 1, 'zero behind the last code', `${rest}`);
}

/** @throws RangeError for a code that is no whole number below `levels`, and for levels that no byte holds */
export function requireCodes(codes: Uint8Array, levels: number): void {
  if (!Number.isInteger(levels) || levels < 2 || levels > 256) {
    throw new RangeError(`pack codes: levels must be a whole number from 2 to 256, got ${levels}.`);
  }
  const odd = codes.findIndex((code) => code >= levels);
  if (odd >= 0) {
    throw new RangeError(`pack codes: codes must be below ${levels}, got ${codes[odd]} at index ${odd}.`);
  }
}
