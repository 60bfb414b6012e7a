import { RandomStream } from '../lib/random.js';

/** A stream of normal numbers, by Box and Muller. */
export function normalStream(seed: number): () => number {
  const random = new RandomStream(seed, 'weights');
  return () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

export function normalValues(count: number, next: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => next());
}
