/** Made-up weights, laid out as those of a checkpoint would be. */
import { numberToHalf } from '../../checkpoint/dtypes.js';
import { FORMAT_F16, FORMAT_F32, FORMAT_TERNARY } from '../../kernel/layout.js';
import { blockCount, groupCount, type Matrix } from '../../kernel/matrix.js';
import { Op } from '../../kernel/operations.js';
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
    if (rows % 4 !== 0) team.run(Op.clearGroups, 1, 1, values + (groupCount(rows) - 1) * blocks * 64, blocks);
  }
  for (let row = 0; row < rows; row += ROWS_MADE) {
    const count = Math.min(ROWS_MADE, rows - row);
    const { cache, status } = memory;
    if (format !== FORMAT_TERNARY)
      team.run(Op.layFloats, count, count, cache, staged, columns, values, row, status);
    else
      team.run(
        Op.layTernarised,
        count,
        count,
        cache,
        staged,
        columns,
        values,
        blocks,
        row,
        floatBits(inverse),
        0,
        status,
      );
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
