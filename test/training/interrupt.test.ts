import { describe, expect, it } from 'vitest';
import { ended, startSource } from '../source-process.js';

describe.skipIf(process.platform === 'win32')('abortOnInterrupt', () => {
  it('stops the loop of a cell, every time, and leaves the kernel alive', async () => {
    const child = startSource('test/training/interrupt-process.ts', []);
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (chunk.toString().endsWith('waiting\n')) child.kill('SIGINT');
    });
    expect(await ended(child)).toEqual({ code: 0, signal: null });
    expect(said).toBe('waiting\nstopped\nwaiting\nstopped\n');
  });
});
