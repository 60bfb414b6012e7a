/**
 * Random numbers that are a function of where they are used, not of what was drawn before. A run that resumes at step
 * 1,234 asks for the numbers of step 1,234 and gets the very ones that a run never stopped would have got.
 *
 * The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11):
 * ten rounds turn a 128-bit counter and a 64-bit key into 128 random bits.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function highProduct(a: number, b: number): number {
  // Math.imul gives the lower half; the upper half is put together from 16-bit pieces, each product below 2^32.
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middleLow = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10: 128 random bits for a counter and a key.
 * @param counter four unsigned 32-bit integers
 * @param key two unsigned 32-bit integers
 * @param out receives four unsigned 32-bit integers; may be `counter`
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void {
  let c0 = counter[0];
  let c1 = counter[1];
  let c2 = counter[2];
  let c3 = counter[3];
  let k0 = key[0];
  let k1 = key[1];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highProduct(c0, MULTIPLIER_0);
    const low0 = Math.imul(c0, MULTIPLIER_0) >>> 0;
    const high1 = highProduct(c2, MULTIPLIER_1);
    const low1 = Math.imul(c2, MULTIPLIER_1) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + KEY_STEP_0) >>> 0;
    k1 = (k1 + KEY_STEP_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** What the numbers are for. Streams of different purposes share no number, whatever their seeds. */
const PURPOSES = {
  training: 1,
  validation: 2,
  table: 3,
  weights: 4,
  text: 5,
  bootstrap: 6,
  test: 8,
  quantizer: 7,
} as const;
export type RandomPurpose = keyof typeof PURPOSES;

/** An endless stream of random numbers, the same for the same seed, purpose and step. */
export class RandomStream {
  readonly #key = new Uint32Array(2);
  readonly #counter = new Uint32Array(4);
  readonly #words = new Uint32Array(4);
  #used = 4;

  /**
   * @param seed whole number from 0 to 2^53 − 1
   * @param purpose what the numbers are for
   * @param step training step, window or row that they belong to: whole number from 0 to 2^53 − 1
   * @throws RangeError for other seeds or steps
   */
  constructor(seed: number, purpose: RandomPurpose, step = 0) {
    split('seed', seed, this.#key, 0);
    this.#counter[1] = PURPOSES[purpose];
    split('step', step, this.#counter, 2);
  }

  /** The next unsigned 32-bit integer. */
  uint32(): number {
    if (this.#used === 4) {
      philox4x32(this.#counter, this.#key, this.#words);
      this.#counter[0] += 1;
      this.#used = 0;
    }
    return this.#words[this.#used++];
  }

  /** A number from 0 up to and without 1, a multiple of 2^-53. */
  uniform(): number {
    const high = this.uint32() >>> 5; // 27 bits
    const low = this.uint32() >>> 6; // 26 bits
    return (high * 0x4000000 + low) / 2 ** 53;
  }

  /** A number of the standard normal distribution (Box and Muller's). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * A whole number from 0 up to and without `limit`, each with the same probability.
   * @param limit whole number from 1 to 2^32
   */
  below(limit: number): number {
    // Numbers of the last, incomplete run of `limit` are drawn again: a plain remainder would favour small results.
    const accepted = 2 ** 32 - (2 ** 32 % limit);
    let word = this.uint32();
    while (word >= accepted) word = this.uint32();
    return word % limit;
  }
}

/** Writes the lower and the upper half of a whole number into two 32-bit words. */
function split(name: string, value: number, into: Uint32Array, at: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `draw random numbers: ${name} must be a whole number from 0 to 2^53 − 1, got ${value}.`,
    );
  }
  into[at] = value >>> 0;
  into[at + 1] = Math.floor(value / 2 ** 32);
}
