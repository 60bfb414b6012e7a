/**
 * Codes at their entropy: frequent ones take less than a bit's worth of room. Asymmetric numeral systems in the range form
 * (Duda, arXiv 1311.2540, section 3), with the shares of the codes counted beforehand and stored in front. Of ternary
 * weights that absmean rounds, a third are zeros, and little is left to gain over log₂ 3 = 1.585 bits.
 *
 * Layout: a share of 2¹⁴ for each level (uint16), the last state (uint32), then words of 16 bits, all little-endian.
 */
import { CodeError, requireCodes } from './codes.js';

const SHARE_BITS = 14;
const SHARES = 2 ** SHARE_BITS;
/** The state lies from 2¹⁶ up to 2³²; what leaves it are words of 16 bits. */
const LOWEST_STATE = 2 ** 16;
const WORD = 2 ** 16;
const STATE_BYTES = 4;

/** Bytes in front of the words. */
export function entropyHeadBytes(levels: number): number {
  return 2 * levels + STATE_BYTES;
}

/**
 * Packs codes by their frequencies.
 * @throws RangeError for a code that is no whole number below `levels`
 */
export function packByEntropy(codes: Uint8Array, levels: number): Uint8Array {
  requireCodes(codes, levels);
  const shares = sharesOf(codes, levels);
  const starts = startsOf(shares);
  const words: number[] = [];
  let state = LOWEST_STATE;
  // The last code first: a state gives back what went in last.
  for (let i = codes.length - 1; i >= 0; i--) {
    const share = shares[codes[i]];
    while (state >= (LOWEST_STATE / SHARES) * WORD * share) {
      words.push(state % WORD);
      state = Math.floor(state / WORD);
    }
    state = Math.floor(state / share) * SHARES + (state % share) + starts[codes[i]];
  }
  const head = entropyHeadBytes(levels);
  const bytes = new Uint8Array(head + 2 * words.length);
  const view = new DataView(bytes.buffer);
  shares.forEach((share, level) => view.setUint16(2 * level, share, true));
  view.setUint32(2 * levels, state, true);
  words.reverse().forEach((word, i) => view.setUint16(head + 2 * i, word, true));
  return bytes;
}

/**
 * Unpacks what {@link packByEntropy} wrote.
 * @throws CodeError for bytes that it does not write: shares that are none, words that are missing or left over
 */
export function unpackByEntropy(bytes: Uint8Array, count: number, levels: number): Uint8Array {
  const head = entropyHeadBytes(levels);
  if (bytes.length < head || bytes.length % 2 !== 0) {
    throw new CodeError(bytes.length, `one of ${head} or more, in pairs`, `${bytes.length} bytes in all`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shares = Uint32Array.from({ length: levels }, (_, level) => view.getUint16(2 * level, true));
  const sum = shares.reduce((total, share) => total + share, 0);
  if (sum !== SHARES) throw new CodeError(0, `shares of ${SHARES} in all`, `${sum}`);
  const starts = startsOf(shares);
  const levelAt = new Uint8Array(SHARES);
  shares.forEach((share, level) => levelAt.fill(level, starts[level], starts[level] + share));
  const codes = new Uint8Array(count);
  let state = view.getUint32(2 * levels, true);
  let at = head;
  for (let i = 0; i < count; i++) {
    const slot = state % SHARES;
    const level = levelAt[slot];
    codes[i] = level;
    state = shares[level] * Math.floor(state / SHARES) + slot - starts[level];
    while (state < LOWEST_STATE) {
      if (at >= bytes.length) throw new CodeError(at, 'a word of 16 bits', 'the end');
      state = state * WORD + view.getUint16(at, true);
      at += 2;
    }
  }
  if (at !== bytes.length || state !== LOWEST_STATE) {
    throw new CodeError(at, 'the end, in the first state', `${bytes.length - at} bytes more, state ${state}`);
  }
  return codes;
}

/** Frequencies as whole shares of 2¹⁴; a level that occurs has one at least. */
function sharesOf(codes: Uint8Array, levels: number): Uint32Array {
  const counts = new Float64Array(levels);
  for (const code of codes) counts[code]++;
  if (codes.length === 0) counts[0] = 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = Uint32Array.from(counts, (count) =>
    count === 0 ? 0 : Math.max(1, Math.floor((count / total) * SHARES)),
  );
  // What rounding leaves over, or takes too much, is the most frequent level's, which feels it least.
  const most = shares.indexOf(shares.reduce((a, b) => Math.max(a, b)));
  shares[most] += SHARES - shares.reduce((sum, share) => sum + share, 0);
  return shares;
}

/** Sums of the shares before each level. */
function startsOf(shares: Uint32Array): Uint32Array {
  const starts = new Uint32Array(shares.length);
  for (let level = 1; level < shares.length; level++) starts[level] = starts[level - 1] + shares[level - 1];
  return starts;
}
