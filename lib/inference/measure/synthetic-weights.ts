/** Made-up weights, laid out as those of a checkpoint would be. */
import { numberToHalf } from '../../checkpoint/dtypes.js';
import { FORMAT_F16, FORMAT_F32, FORMAT_TERNARY } from '../../kernel/layout.js';
import { blockCount, groupCount, type Matrix } from '../../kernel/matrix.js';
import type { Team } from '../../kernel/team.js';
import type { ModelMemory } from '../model-memory.js';
import { floatBits } from '../weight-pieces.js';

/** Rows that are made up; they repeat through the matrix. */
export const ROWS_MADE = 64;
/** Largest weight. */
const REACH = 0.04;

/** Fills a matrix with numbers from −REACH to REACH, laid out as a checkpoint's would be. */
export function makeUp(matrix: Matrix, memory: ModelMemory, team: Team): void {
  const { rows, columns, values, format } = matrix;
  const staged = format === FORMAT_F16 ? FORMAT_F16 : FORMAT_F32;
  const numbers = uniform(ROWS_MADE * columns);
  if (staged === FORMAT_F32) new Float32Array(team.buffer, memory.cache, numbers.length).set(numbers);
  else {
    const codes = new Uint16Array(team.buffer, memory.cache, numbers.length);
    numbers.forEach((value, i) => (codes[i] = numberToHalf('F16', value)));
  }
  const blocks = blockCount(columns);
  const inverse = Math.fround(2 / REACH);
  if (format === FORMAT_TERNARY) {
    matrix.scale = Math.fround(1 / inverse);
    const last = values + (groupCount(rows) - 1) * blocks * 64;
    if (rows % 4 !== 0) team.run('clearGroups', { items: 1, smallest: 1 }, { values: last, blocks });
  }
  for (let row = 0; row < rows; row += ROWS_MADE) {
    const count = Math.min(ROWS_MADE, rows - row);
    const share = { items: count, smallest: count };
    const { cache: source, status } = memory;
    const laid = { source, format: staged, columns, values, firstRow: row, status };
    if (format !== FORMAT_TERNARY) team.run('layFloats', share, laid);
    else team.run('layTernarised', share, { ...laid, blocks, inverse: floatBits(inverse), step: 0 });
  }
}

/** Numbers spread evenly from −REACH to REACH, by a linear congruential generator: the same everywhere. */
function uniform(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * REACH;
  });
}
