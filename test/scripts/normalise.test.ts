import { describe, expect, test } from 'vitest';
import { normaliseNotebook } from '../../scripts/notebooks/normalise.js';

const ROOT = '/home/someone/a clone';

function code(source: string, outputs: object[] = [], extra: object = {}): object {
  return { cell_type: 'code', execution_count: 7, metadata: {}, outputs, source, ...extra };
}

function normalised(...cells: object[]): { text: string; cells: Record<string, unknown>[] } {
  const text = normaliseNotebook(
    JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 4 }),
    ROOT,
  );
  return { text, cells: JSON.parse(text).cells };
}

describe('normaliseNotebook', () => {
  test('leaves a normal notebook as it is', () => {
    const { text } = normalised(
      code('1', [{ output_type: 'stream', name: 'stdout', text: 'a\nb\n' }], { id: 'one' }),
    );
    expect(normaliseNotebook(text, ROOT)).toBe(text);
  });

  test('takes out the folder that data was found in', () => {
    const before = process.env.BITNET_DATA_DIR;
    process.env.BITNET_DATA_DIR = '/home/someone/texts';
    try {
      const text = 'Tiny Shakespeare from /home/someone/texts/tiny-shakespeare.txt';
      const [cell] = normalised(code('1', [{ output_type: 'stream', name: 'stdout', text }])).cells;
      expect(cell.outputs).toEqual([
        { name: 'stdout', output_type: 'stream', text: ['Tiny Shakespeare from tiny-shakespeare.txt'] },
      ]);
    } finally {
      if (before === undefined) delete process.env.BITNET_DATA_DIR;
      else process.env.BITNET_DATA_DIR = before;
    }
  });

  test('takes out counters and times', () => {
    const timed = code('1', [], {
      metadata: { execution: { 'iopub.status.busy': '2025-01-01T00:00:00Z' }, tags: ['training'] },
    });
    const [cell] = normalised(timed).cells;
    expect(cell).toMatchObject({ execution_count: null, metadata: { tags: ['training'] } });
    expect(cell.metadata).not.toHaveProperty('execution');
  });

  test('keeps ids, gives missing ones by what the cell says, and makes none twice', () => {
    const cells = [code('same'), code('same'), code('1', [], { id: 'kept' })];
    const first = normalised(...cells).cells.map(({ id }) => id);
    expect(
      normalised(code('before'), ...cells)
        .cells.map(({ id }) => id)
        .slice(1),
    ).toEqual(first);
    expect(new Set(first).size).toBe(3);
    expect(first[2]).toBe('kept');
  });

  test('joins the pieces of a stream and keeps what a terminal would show', () => {
    const pieces = ['step 1\rstep', ' 2\rstep 3\n', 'done\n'].map((text) => ({
      output_type: 'stream',
      name: 'stdout',
      text,
    }));
    expect(normalised(code('1', pieces)).cells[0].outputs).toEqual([
      { name: 'stdout', output_type: 'stream', text: ['step 3\n', 'done\n'] },
    ]);
  });

  test('takes the folder of the clone out of what was printed', () => {
    const text = `at ${ROOT}/lib/dist/index.js:3\nat file:///home/someone/a%20clone/lib/dist/index.js:3\n`;
    const printed = normalised(code('1', [{ output_type: 'stream', name: 'stderr', text }])).cells[0].outputs;
    expect(printed).toMatchObject([{ text: ['at lib/dist/index.js:3\n', 'at lib/dist/index.js:3\n'] }]);
  });

  test('keeps a chart and its picture in SVG, without the bitmap that JupyterLab adds', () => {
    const figure = { data: [{ y: [1, 2.5, null] }] };
    const data = { 'application/vnd.plotly.v1+json': figure, 'image/svg+xml': '<svg/>', 'image/png': 'AAAA' };
    const { cells } = normalised(code('1', [{ output_type: 'display_data', data, metadata: {} }]));
    expect(cells[0].outputs).toEqual([
      {
        data: { 'application/vnd.plotly.v1+json': figure, 'image/svg+xml': ['<svg/>'] },
        metadata: {},
        output_type: 'display_data',
      },
    ]);
  });

  test('writes what Jupyter writes: numbers as Python does, text cut where Python ends a line', () => {
    const numbers = [1, 0.5, 1e-4, 0.00001, -2.5e-7, 1e-12, 1e20, 1e21, -0];
    const data = { 'application/json': { numbers }, 'text/plain': 'a\r\nb\rc\u2028d\ne' };
    const { text } = normalised(code('1', [{ output_type: 'display_data', data, metadata: {} }]));
    // By nbformat 5.10 of Python.
    const unfolded = text.replaceAll(/\n */g, '');
    expect(unfolded).toContain(
      '"numbers": [1,0.5,0.0001,1e-05,-2.5e-07,1e-12,100000000000000000000,1e+21,0]',
    );
    expect(unfolded).toContain('"text/plain": ["a\\r\\n","b\\r","c\u2028","d\\n","e"]');
  });

  test('names the language as the kernel does, and so the page that saves it', () => {
    const { metadata } = JSON.parse(normalised().text) as { metadata: object };
    expect(metadata).toMatchObject({
      language_info: { codemirror_mode: { mode: 'typescript' }, name: 'typescript', version: '5.0.4' },
    });
  });

  test('rejects a notebook of another format, and says what to do', () => {
    expect(() => normaliseNotebook('{"cells":[],"nbformat":3}', ROOT)).toThrow(
      'A notebook must be of nbformat 4, got 3. Open and save it in JupyterLab.',
    );
  });
});
