import { DOMParser } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import { toHtml, toText } from '../../lib/plots/draw/written-table.js';
import { table, TableError } from '../../lib/plots/table.js';

const texts = (rows: readonly object[], options = {}): string[][] =>
  table(rows, options).columns.map((column) => [...column.texts]);

describe('table', () => {
  it('takes its columns from the keys of the rows, and units from the options', () => {
    const { columns } = table([{ arm: 'b1.58', loss: 2.06 }], {
      columns: { loss: { title: 'Loss', unit: 'nats' } },
    });
    expect(columns.map(({ title, numeric }) => [title, numeric])).toEqual([
      ['arm', false],
      ['Loss (nats)', true],
    ]);
  });

  it.each([
    { numbers: [1, 20, 1_234_567], written: ['1', '20', '1,234,567'] },
    { numbers: [0.5, -0.25, 3], written: ['0.50', '−0.25', '3.00'] },
    { numbers: [2.0616, 1.99641], written: ['2.062', '1.996'] },
    { numbers: [34.6123, 8], written: ['34.61', '8.00'] },
    { numbers: [0.012, 0.006, 0.024], written: ['0.012', '0.006', '0.024'] },
    { numbers: [0.1 + 0.2], written: ['0.3'] },
    { numbers: [1e-9, 0.5, 3], written: ['1e−9', '0.5', '3'] },
    { numbers: [Number.NaN, Infinity, -Infinity, 2], written: ['–', '∞', '−∞', '2'] },
    { numbers: [0, 0], written: ['0', '0'] },
    { numbers: [0.00012347, 1000.5], written: ['0.0001235', '1000.5'] },
    { numbers: [3.5e23, 12, -1032], written: ['3.5e23', '12', '−1,032'] },
  ])('gives the numbers of a column one count of digits: $numbers', ({ numbers, written }) => {
    expect(texts(numbers.map((value) => ({ value })))).toEqual([written]);
  });

  it('writes as many digits as are asked for', () => {
    const columns = { loss: { digits: 3 } };
    expect(texts([{ loss: 0 }, { loss: -0.0001 }], { columns })).toEqual([['0.000', '0.000']]);
    expect(texts([{ loss: 2 }, { loss: 1.5 }], { columns })).toEqual([['2.000', '1.500']]);
  });

  it('writes bounds behind their value, all of one width, and leaves out those that say nothing', () => {
    const bounded = (value: number, low: number, high: number) => ({ loss: { value, low, high, count: 3 } });
    const [column] = texts(
      [bounded(-0.5, -10.25, 9), bounded(1, 0.5, 1.5), bounded(2, 2, 2), bounded(3, -Infinity, Infinity)],
      { columns: { loss: { digits: 2 } } },
    );
    expect(
      column.map((text) =>
        text
          .replaceAll('\u2007', '_')
          .replaceAll('\u00a0', ' ')
          .replace(/[\s_]+$/, ''),
      ),
    ).toEqual(['−0.50 [−10.25, 9.00]', '1.00 [__0.50, 1.50]', '2.00', '3.00']);
    expect(new Set(column.map((text) => text.length - text.indexOf('.'))).size).toBe(1);
  });

  it('keeps a column of text and numbers as text', () => {
    expect(
      texts([
        { x: 'none', y: true },
        { x: 1.5, y: false },
        { x: undefined, y: null },
      ]),
    ).toEqual([
      ['none', '1.5', ''],
      ['yes', 'no', ''],
    ]);
  });

  it('shows the first 500 rows and says how many there are', () => {
    const long = table(Array.from({ length: 12_000 }, (_, i) => ({ i })));
    expect(long.rowCount).toBe(500);
    expect(long.notes).toEqual(['The first 500 of 12,000 rows.']);
  });

  it.each([
    {
      rows: [{ arm: 'a', loss: 1 }, { arm: 'b' }],
      says: /row 2 must have the columns of row 1 \(arm, loss\), but it lacks loss\..* undefined/,
    },
    { rows: [{ arm: 'a' }, { arm: 'b', los: 1 }], says: /row 2 .* has los besides/ },
    { rows: [{ loss: 1 }, { los: 1 }], says: /row 2 .* lacks loss and has los besides/ },
    { rows: [[1, 2], [3]], says: /row 1 must be an object that names its columns, got a list/ },
    { rows: [{ a: 1 }, null], says: /row 2 must be an object .* got null/ },
    { rows: 'rows', says: /rows must be a list of objects, such as .* got "rows"/ },
    { rows: [{ points: [1, 2] }], says: /row 1, column points, must be a number, .* got a list/ },
    { rows: [{ f: () => 1 }], says: /column f, .* got a value of type function/ },
  ])('says what is wrong with $rows', ({ rows, says }) => {
    const attempt = (): unknown => table(rows as object[]);
    expect(attempt).toThrow(TableError);
    expect(attempt).toThrow(says);
  });

  it('says which column an option names that the rows lack', () => {
    expect(() => table([{ loss: 1 }], { columns: { los: {} } })).toThrow('got los');
  });
});

describe('a table as HTML and as text', () => {
  const shown = table(
    [
      { arm: 'b1 < b2 & "b3"', loss: 2.062 },
      { arm: 'two\nlines', loss: -0.5 },
    ],
    { title: 'Losses', notes: ['Means.'] },
  );

  it('is well-formed, escaped, and free of what an untrusted notebook loses', () => {
    const html = toHtml(shown);
    const root = new DOMParser().parseFromString(
      html.replaceAll('<br>', '<br/>'),
      'text/xml',
    ).documentElement!;
    const cells = [...root.getElementsByTagName('td')].map((cell) => cell.textContent);
    expect(cells).toEqual(['b1 < b2 & "b3"', '2.062', 'twolines', '−0.500']);
    expect(html).not.toMatch(/<script|<style|onclick| id=/);
  });

  it('puts numbers right, where they do not break, and text left', () => {
    expect(toHtml(shown)).toContain(
      '<td align="right" style="text-align:right;vertical-align:top;white-space:nowrap">2.062</td>',
    );
    expect(toHtml(shown)).toContain(
      '<td align="left" style="text-align:left;vertical-align:top">two<br>lines</td>',
    );
  });

  it.each([
    ['0.067 [0.039, 0.094] of it', '0.067 [0.039, 0.094]'],
    ['a rate of 1.5e-3', '1.5e-3'],
    ['over 80 %', '80 %'],
    ['of shape 352 × 128', '352 × 128'],
    ['a gap of −0.025 [−0.063, 0.013]', '−0.025 [−0.063, 0.013]'],
  ])('keeps a number in a text together: %s', (text, number) => {
    expect(toHtml(table([{ text }]))).toContain(`<span style="white-space:nowrap">${number}</span>`);
  });

  it.each(['BitNet (2310.11453), Table 4: +0.083 nats', 'int4 − int8, absmax', 'b1.58'])(
    'leaves a text whole: %s',
    (text) => {
      expect(toHtml(table([{ text }]))).toContain(`>${text}</td>`);
    },
  );

  it('stands in columns of text', () => {
    expect(toText(shown)).toBe(
      ['Losses', 'arm               loss', 'b1 < b2 & "b3"   2.062', 'two / lines     −0.500', 'Means.'].join(
        '\n',
      ),
    );
  });

  it('is empty without rows', () => {
    expect(toText(table([]))).toContain('No rows.');
    expect(toHtml(table([]))).toContain('No rows.');
  });
});
