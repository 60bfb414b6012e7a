/** Four trits in a byte, as transformers packs them: rows r, r + R, r + 2R and r + 3R of a column, low bits first. */
export const packing = {
  width: 780,
  height: 268,
  title:
    'Packing: four trits of one column, from four quarters of the rows, become codes 0, 1 and 2 of two bits each, and ' +
    'together one byte, the first in the lowest bits.',

  /** @param {import('./drawing.js').Drawing} d */
  draw(d) {
    const trits = [1, -1, 0, 1];
    const rows = ['row r', 'row r + R', 'row r + 2R', 'row r + 3R'];
    const column = (/** @type {number} */ i) => 150 + i * 130;
    // The byte as it is written: highest bits first.
    const place = (/** @type {number} */ i) => 150 + (3 - i) * 130;
    d.text([8, 52], 'four trits', { anchor: 'start', bold: true });
    d.text([8, 69], 'of one column', { anchor: 'start', small: true });
    d.text([8, 122], 'trit + 1', { anchor: 'start', bold: true });
    d.text([8, 139], 'in two bits', { anchor: 'start', small: true });
    d.text([8, 212], 'one byte', { anchor: 'start', bold: true });
    d.text([8, 229], 'highest bit first', { anchor: 'start', small: true });
    trits.forEach((trit, i) => {
      const code = trit + 1;
      const bits = code.toString(2).padStart(2, '0');
      d.text([column(i) + 50, 26], rows[i], { small: true });
      d.box('trit', [column(i), 36], [100, 34], [trit > 0 ? '+1' : String(trit).replace('-', '−')]);
      d.arrow([
        [column(i) + 50, 70],
        [column(i) + 50, 106],
      ]);
      d.box('integer', [column(i), 106], [100, 40], [`${code} = ${bits}₂`]);
      d.arrow([
        [column(i) + 50, 146],
        [place(i) + 65, 192],
      ]);
      d.box('plain', [150 + i * 130, 192], [130, 34], []);
    });
    trits.forEach((trit, i) => {
      d.text([place(i) + 65, 214], (trit + 1).toString(2).padStart(2, '0'), { bold: true, mono: true });
      d.text([place(i) + 65, 243], `bits ${2 * i + 1} and ${2 * i}`, { small: true });
    });
    const byte = trits.reduce((sum, trit, i) => sum + ((trit + 1) << (2 * i)), 0);
    d.text([690, 207], `= ${byte}`, { anchor: 'start', bold: true });
    d.text([690, 223], 'as uint8', { anchor: 'start', small: true });
    d.text(
      [410, 262],
      'R = rows / 4. Two bits hold four codes, of which one is free: log₂ 3 = 1.58 would do.',
      { small: true, muted: true },
    );
  },
};
