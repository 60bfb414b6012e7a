import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BACKENDS } from '../backends.js';
import { ended, startSource } from '../source-process.js';

const isLeftOut = process.platform === 'win32' || !BACKENDS.includes('tensorflow');

describe.skipIf(isLeftOut)('signals while TensorFlow computes', () => {
  it('are heard and leave the memory as it was', async () => {
    const child = startSource('test/backend/interrupted-steps.ts', []);
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const end = ended(child);
    while (!said.includes('ready for signals') && child.exitCode === null && child.signalCode === null)
      await sleep(10);
    while (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT');
      await sleep(20);
    }
    expect(await end).toEqual({ code: 0, signal: null });
    expect(JSON.parse(said.trim().split('\n').at(-1)!)).toEqual({ same: true, heard: true });
  });
});
