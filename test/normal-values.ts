import { RandomStream } from '../lib/random.js';

/** A stream of normal numbers. */
export function normalStream(seed: number): () => number {
  const random = new RandomStream(seed, 'weights');
  return () => random.normal();
}

export function normalValues(count: number, next: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => next());
}
