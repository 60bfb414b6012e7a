import { beforeAll, describe, expect, it } from 'vitest';
import { formatBytes } from '../../lib/io/format-bytes.js';
import { hasRelaxedSimd, hasSimd, loadKernel, type KernelChoice } from '../../lib/kernel/kernel.js';
import {
  MAX_MEMORY_BYTES,
  MemoryError,
  MemoryPlan,
  availableMemory,
  checkMemory,
} from '../../lib/kernel/memory.js';
import { compileKernel } from './compiled.js';

beforeAll(compileKernel);

describe('loadKernel', () => {
  it('takes relaxed SIMD where there is any, with the flag of Node 20 set from inside', async () => {
    // All versions of Node that the project runs on have it.
    expect(hasSimd()).toBe(true);
    expect(hasRelaxedSimd()).toBe(true);
    expect((await loadKernel('auto')).name).toBe('relaxed');
  });

  it('refuses a name that is none', async () => {
    await expect(loadKernel('fast' as KernelChoice)).rejects.toThrow(
      `load kernel: kernel must be one of auto, relaxed, simd, reference, got "fast".`,
    );
  });
});

describe('MemoryPlan', () => {
  it('hands out places that do not overlap, each on a cache line of its own', () => {
    const plan = new MemoryPlan();
    const places = [1, 64, 65, 0, 1000].map((bytes) => [plan.reserve(bytes), bytes]);
    for (const [i, [address, bytes]] of places.entries()) {
      expect(address % 64).toBe(0);
      const next = places[i + 1]?.[0] ?? plan.bytes;
      expect(next).toBeGreaterThanOrEqual(address + bytes);
    }
  });
});

describe('checkMemory', () => {
  it('says what is needed and what there is', () => {
    expect(() => checkMemory(3e9, 'the model', 'Close something.', 2.5e9)).toThrow(
      'load model: the model needs 3.00 GB of memory, and 2.50 GB are free on this machine, or left to this process. Close something.',
    );
    expect(() => checkMemory(5e9, 'the model', 'Use less.', 64e9)).toThrow(
      'load model: the model needs 5.00 GB of memory, and 4.29 GB WebAssembly can address. Use less.',
    );
    expect(() => checkMemory(3e9, 'the model', '', 3e9)).not.toThrow();
  });

  it('throws an error that carries both figures', () => {
    const error = new MemoryError('too little', 5e9, 1e9);
    expect(() => checkMemory(5e9, 'the model', '', 1e9)).toThrow(MemoryError);
    expect(error).toMatchObject({ neededBytes: 5e9, availableBytes: 1e9 });
  });

  it('knows what this machine has', () => {
    expect(availableMemory()).toBeGreaterThan(0);
    expect(MAX_MEMORY_BYTES).toBe(2 ** 32);
    expect(formatBytes(1_234_567)).toBe('1.23 MB');
  });
});
