import { expect, test } from 'vitest';
import { describeTimes } from '../../scripts/notebooks/cell-times.js';

const notebook = (...sources: string[]): string =>
  JSON.stringify({ cells: sources.map((source) => ({ source: source.split(/(?<=\n)/) })) });

test('tells apart the kernel, the imports, and later cells that do not wait for a model', () => {
  const text = notebook(
    '# Title',
    "import { show } from '../lib';",
    'show(a);',
    'const model =\n  await loadModel();',
    'show(b);',
    'const awaited = 1;',
    'show(c);',
  );
  const cells = [1, 0.1, 9, 0.4, 0.2, 0.3].map((seconds, i) => ({ cell: i + 2, seconds }));
  expect(describeTimes(text, { kernel: 0.7, cells })).toBe(
    'kernel 0.70 s; first cell (imports) 1.00 s; 4 later cells without await: median 0.25 s, largest 0.40 s (cell 5)',
  );
});

test('says where the first cell loads TensorFlow, and goes without later cells', () => {
  const text = notebook('const training = await loadTraining();');
  expect(describeTimes(text, { kernel: 0.7, cells: [{ cell: 1, seconds: 2 }] })).toBe(
    'kernel 0.70 s; first cell (imports, TensorFlow) 2.00 s',
  );
});
