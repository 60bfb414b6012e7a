import { expect, test } from 'vitest';
import { ProgressLine } from '../../../experiments/sweep/progress-line.js';
import type { SweepEvent } from '../../../experiments/sweep/sweep.js';
import { toyRun } from '../toy-experiment.js';

const event = (id: string, kind: 'queued' | 'started' | 'retrying'): SweepEvent => ({
  kind,
  id,
  spec: toyRun(id, 10, 1e-3, 1),
  error: new Error('once more'),
});

/** What a terminal would show in the end. */
const shown = (text: string): string => text.split('\r').at(-1)!;

test('a sweep tells at once how many runs there are, and at its end how many are done', () => {
  let text = '';
  const line = new ProgressLine((more) => (text += more));
  line.show(event('a', 'queued'));
  expect(shown(text)).toBe('0 of 1 runs done, 0 under way');
  line.show(event('b', 'queued'));
  line.end(false);
  expect(shown(text).trimEnd()).toBe('0 of 2 runs done');
  // What is printed next begins at the start of a line.
  expect(text.endsWith('\n')).toBe(true);
  // Nothing of the longer line before is left over.
  expect(shown(text).length).toBeGreaterThanOrEqual('0 of 1 runs done, 0 under way'.length);
});

test('a stopped sweep says how to go on', () => {
  let text = '';
  const line = new ProgressLine((more) => (text += more));
  line.show(event('a', 'started'));
  line.end(true);
  expect(shown(text)).toBe('stopped with 0 of 1 runs done; run the cell again to go on\n');
});
