import type { ModelConfig } from '../config.js';
import { RandomStream } from '../random.js';
import { STANDARD_NORMAL_STEP } from '../quantizers/activations.js';
import type { ParameterSpec } from '../parameters.js';
import { countValues } from '../shape.js';

/** First values of a learned tensor, row-major: a function of its name, the config and the seed alone. */
export function initialValues(spec: ParameterSpec, config: ModelConfig, seed: number): Float32Array {
  const values = new Float32Array(countValues(spec.shape));
  switch (spec.initial) {
    case 'ones':
      return values.fill(1);
    case 'step':
      return values.fill(STANDARD_NORMAL_STEP);
    case 'normal': {
      const random = new RandomStream(seed, 'weights', hash(spec.name));
      // Box and Muller: two uniform numbers give two normal ones.
      for (let i = 0; i < values.length; i += 2) {
        const radius = config.initializer_range * Math.sqrt(-2 * Math.log(1 - random.uniform()));
        const angle = 2 * Math.PI * random.uniform();
        values[i] = radius * Math.cos(angle);
        if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
      }
      return values;
    }
  }
}

/** 32-bit FNV-1a of a name: every tensor draws from a stream of its own. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
