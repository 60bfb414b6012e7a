import { describe, expect, it } from 'vitest';
import { readKernelTimes, tokenMs } from '../../../experiments/frontier/kernel-times.js';
import { frontierPlans } from '../../../experiments/frontier/plan.js';

describe('the recorded times', () => {
  it('hold both forms at every shape of the text', async () => {
    const times = await readKernelTimes();
    const plan = frontierPlans('full').find(({ name }) => name === 'text')!;
    for (const { layers, width } of plan.shapes) {
      for (const form of ['ternary', 'fp16'] as const)
        expect(tokenMs(times, `${layers}×${width}`, form)).toBeGreaterThan(0);
    }
    expect(tokenMs(times, '9×9', 'fp16')).toBeUndefined();
  });

  it('say which command makes them, where nothing is recorded', async () => {
    await expect(readKernelTimes('/nowhere/times.json')).rejects.toThrow(
      'npm run bench -- frontier-times --record',
    );
  });
});
