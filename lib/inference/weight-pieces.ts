/**
 * The bytes of a checkpoint, cut into pieces that are read one while another is laid out. A piece is some rows of a
 * matrix as they stand in the file.
 */
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { numberToHalf } from '../checkpoint/dtypes.js';
import {
  I2S_GROUP_WEIGHTS,
  I2S_TAIL_BYTES,
  TQ_BLOCK_BYTES,
  TQ_BLOCK_WEIGHTS,
} from '../checkpoint/encodings.js';
import { unpackTernary } from '../checkpoint/packing.js';
import { FORMAT_TERNARY, STATUS_INVALID_CODE, STATUS_NOT_FINITE } from '../kernel/layout.js';
import { blockCount, groupCount, type Matrix } from '../kernel/matrix.js';
import type { Team } from '../kernel/team.js';
import { formatOf, type ModelMemory } from './model-memory.js';
import { QUANTIZER_EPSILON } from '../quantizers/weights.js';

/** Bytes read at once where a matrix may be cut. */
const PIECE_BYTES = 4 * 2 ** 20;
/** Bytes from a file that are worth another thread. */
const SHARED_BYTES = 32_768;

/** Some rows of a matrix on their way from the file into the kernel's layout. */
export interface Piece {
  entry: TensorEntry;
  byteStart: number;
  byteLength: number;
  /** Lays the rows out; their bytes are at `address`. */
  lay(address: number): void;
}

/** Whether all rows have to be known before the first can be laid out: their mean magnitude is the scale. */
function needsWholeMatrix(checkpoint: Checkpoint, entry: TensorEntry, matrix: Matrix): boolean {
  return (
    matrix.format === FORMAT_TERNARY &&
    formatOf(entry, false) !== FORMAT_TERNARY &&
    checkpoint.scale(entry.name) === undefined
  );
}

/** Bytes of the rows of a matrix in the file, without what may stand behind them, and what each row of the file takes. */
function storedRows(entry: TensorEntry): { rows: number; rowBytes: number; step: number } {
  const [out, columns] = entry.shape;
  switch (entry.encoding) {
    case 'packed':
      return { rows: out / 4, rowBytes: columns, step: 1 };
    case 'I2_S': {
      // Rows may share a group of 128 weights; a piece has to start where a group does.
      let step = 4;
      while ((step * columns) % I2S_GROUP_WEIGHTS !== 0) step *= 2;
      return { rows: out, rowBytes: (entry.byteLength - I2S_TAIL_BYTES) / out, step };
    }
    case 'TQ2_0':
    case 'TQ1_0':
      return { rows: out, rowBytes: (columns / TQ_BLOCK_WEIGHTS) * TQ_BLOCK_BYTES[entry.encoding], step: 4 };
    case 'F32':
    case 'F16':
    case 'BF16':
      return { rows: out, rowBytes: entry.byteLength / out, step: 4 };
  }
}

/** Bytes of the largest piece of a matrix. */
export function pieceBytes(checkpoint: Checkpoint, entry: TensorEntry, matrix: Matrix): number {
  if (needsWholeMatrix(checkpoint, entry, matrix)) return entry.byteLength;
  const { rows, rowBytes, step } = storedRows(entry);
  return Math.min(rows, rowsPerPiece(rowBytes, step)) * rowBytes;
}

function rowsPerPiece(rowBytes: number, step: number): number {
  return Math.max(1, Math.floor(PIECE_BYTES / (rowBytes * step))) * step;
}

/** Cuts a matrix into pieces. `laid` is called when rows `from` to `to` of the matrix, in groups, are in place. */
export function* matrixPieces(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  matrix: Matrix,
  memory: ModelMemory,
  team: Team,
  laid: (fromGroup: number, toGroup: number) => void = () => {},
): Generator<Piece> {
  const { rows, rowBytes, step } = storedRows(entry);
  const whole = needsWholeMatrix(checkpoint, entry, matrix);
  const perPiece = whole ? rows : rowsPerPiece(rowBytes, step);
  const groupOf = (row: number): number => (matrix.order === 'quarters' ? row : groupCount(row));
  for (let row = 0; row < rows; row += perPiece) {
    const count = Math.min(perPiece, rows - row);
    yield {
      entry,
      byteStart: row * rowBytes,
      byteLength: count * rowBytes,
      lay: (address) => {
        layRows(checkpoint, entry, matrix, memory, team, { address, row, count, rowBytes });
        laid(groupOf(row), groupOf(row + count));
      },
    };
  }
}

interface StagedRows {
  address: number;
  /** First row, counted as the file does. */
  row: number;
  count: number;
  rowBytes: number;
}

function layRows(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  matrix: Matrix,
  memory: ModelMemory,
  team: Team,
  { address, row, count, rowBytes }: StagedRows,
): void {
  const { columns, values } = matrix;
  const blocks = blockCount(columns);
  const share = { items: count, smallest: Math.max(1, Math.ceil(SHARED_BYTES / rowBytes)) };
  const laid = { source: address, columns, values, firstRow: row, status: memory.status };
  // Rows that pad the last group keep the zeros that are written first.
  if (matrix.format === FORMAT_TERNARY && row === 0 && matrix.rows % 4 !== 0) {
    const last = groupCount(matrix.rows) - 1;
    team.run('clearGroups', { items: 1, smallest: 1 }, { values: values + last * blocks * 64, blocks });
  }
  const { encoding } = entry;
  switch (encoding) {
    case 'packed':
      return team.run('layPacked', share, { ...laid, blocks });
    case 'I2_S':
      return team.run('layI2S', share, { ...laid, blocks });
    case 'TQ2_0':
    case 'TQ1_0': {
      const scaleCode = numberToHalf('F16', checkpoint.scale(entry.name)!);
      return team.run(encoding === 'TQ2_0' ? 'layTQ2' : 'layTQ1', share, { ...laid, blocks, scaleCode });
    }
    case 'F32':
    case 'F16':
    case 'BF16': {
      const format = formatOf(entry, false);
      if (matrix.format !== FORMAT_TERNARY) return team.run('layFloats', share, { ...laid, format });
      const { inverse, step } = ternaryScale(checkpoint, entry, matrix, () => {
        const sums = memory.rowSums;
        team.run('sumMagnitudes', share, { source: address, format, columns, sums, firstRow: 0 });
        return team.doubles(sums, matrix.rows);
      });
      const scales = { inverse: floatBits(inverse), step: floatBits(step) };
      team.run('layTernarised', share, { ...laid, format, blocks, ...scales });
    }
  }
}

/**
 * What weights are multiplied by before they are rounded to trits: 1/step where the checkpoint says the step, else
 * 1 / max(mean|w|, 1e-5) in float32, as transformers' WeightQuant has it, which also sets the matrix's scale.
 * @param sumRows magnitudes of each row, added up
 * @returns step 0: the weights need not be multiples of it
 */
function ternaryScale(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  matrix: Matrix,
  sumRows: () => Float64Array,
): { inverse: number; step: number } {
  const step = checkpoint.scale(entry.name);
  if (step !== undefined) return { inverse: Math.fround(1 / step), step };
  const mean = Math.fround(
    sumRows().reduce((sum, rowSum) => sum + rowSum, 0) / (matrix.rows * matrix.columns),
  );
  if (!Number.isFinite(mean)) refuseNotFinite(entry);
  const inverse = Math.fround(1 / Math.max(mean, QUANTIZER_EPSILON));
  matrix.scale = Math.fround(1 / inverse);
  return { inverse, step: 0 };
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Int32Array(scratchFloat.buffer);

/** The bits of a float32 as an i32, which is how operations take numbers that are not whole. */
export function floatBits(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0];
}

function refuseNotFinite(entry: TensorEntry): never {
  throw new CheckpointError({
    operation: 'load model',
    file: entry.file,
    tensor: entry.name,
    offset: entry.byteOffset,
    what: 'the values',
    expected: 'finite numbers',
    found: 'an infinity or NaN',
    hint: 'The file is damaged, or the training run that wrote it had diverged.',
  });
}

/**
 * Throws for what the operations reported of a tensor.
 * @param status bits of STATUS_
 */
export async function refuseTensor(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  status: number,
): Promise<never> {
  if ((status & STATUS_NOT_FINITE) !== 0) refuseNotFinite(entry);
  const { encoding, shape, file, name: tensor, byteOffset } = entry;
  if (encoding !== 'F32' && encoding !== 'F16' && encoding !== 'BF16') {
    // The plain reader finds the place and says it.
    const bytes = new Uint8Array(entry.byteLength);
    await checkpoint.read(entry, bytes);
    unpackTernary(encoding, bytes, [shape[0], shape[1]], { file, tensor, byteOffset });
  }
  const invalid = (status & STATUS_INVALID_CODE) !== 0;
  throw new CheckpointError({
    operation: 'load model',
    file,
    tensor,
    offset: byteOffset,
    what: invalid ? 'codes' : 'magnitudes',
    expected: invalid ? '0, 1 and 2' : `0 and ${checkpoint.scale(tensor)}`,
    found: 'another',
    hint: 'The file is damaged. Download it again.',
  });
}
