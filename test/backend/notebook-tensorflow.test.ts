import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

const source = readFileSync(
  fileURLToPath(new URL('../../lib/backend/notebook-tensorflow.ts', import.meta.url)),
  'utf8',
);

/** Names of the methods that an interface declares. */
function methods(name: string): string[] {
  const body = new RegExp(`export interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)![1];
  return [...body.matchAll(/^ {2}(\w+)(?:<T>)?\(/gm)].map(([, method]) => method);
}

describe('the plain types of TensorFlow.js', () => {
  it.each([
    ['Tensor', tf.Tensor.prototype, 40],
    ['Variable', tf.Variable.prototype, 1],
    ['TensorFlow', tf, 65],
    ['SequentialModel', tf.Sequential.prototype, 8],
  ])('declare for %s only what is there', (name, real, least) => {
    const names = methods(name);
    expect(names.length).toBeGreaterThanOrEqual(least);
    const missing = names.filter(
      (method) => typeof (real as unknown as Record<string, unknown>)[method] !== 'function',
    );
    expect(missing).toEqual([]);
  });

  it('import nothing, so that no cell waits for the real ones', () => {
    expect(source).not.toMatch(/^import/m);
  });
});
