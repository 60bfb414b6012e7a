/** A kernel on a memory of its own, with room to place numbers, for tests that call single operations. */
import { bindKernel, KERNEL_NAMES, loadKernel, type KernelName } from '../../lib/kernel/kernel.js';
import {
  BLOCK_COLUMNS,
  FORMAT_TERNARY,
  MATRIX_BYTES,
  QUANTIZED_HEADER_BYTES,
} from '../../lib/kernel/layout.js';
import {
  blockCount,
  groupCount,
  matrixBytes,
  paddedRow,
  quantizedBytes,
  writeMatrix,
  type Matrix,
} from '../../lib/kernel/matrix.js';
import { allocateMemory } from '../../lib/kernel/memory.js';
import { RESERVED_BYTES } from '../../lib/kernel/job-board.js';
import { OPERATION_CODES, type OperationName, type Operations } from '../../lib/kernel/operations.js';

const MEMORY_BYTES = 16 * 2 ** 20;
const SCRATCH_BYTES = 2 ** 20;

export class Bench {
  readonly name: KernelName;
  readonly buffer: SharedArrayBuffer;
  readonly operations: Operations;
  readonly scratch: number = RESERVED_BYTES;
  #next = 0;

  static async create(name: KernelName): Promise<Bench> {
    const memory = allocateMemory(MEMORY_BYTES);
    return new Bench(name, memory.buffer, bindKernel(await loadKernel(name), memory));
  }

  private constructor(name: KernelName, buffer: SharedArrayBuffer, operations: Operations) {
    this.name = name;
    this.buffer = buffer;
    this.operations = operations;
    this.clear();
  }

  /** Forgets what was placed, and fills the memory with a pattern that no result has. */
  clear(): void {
    this.#next = RESERVED_BYTES + SCRATCH_BYTES;
  }

  /** Address of `bytes` bytes, filled with 0xee so that what an operation does not write stands out. */
  room(bytes: number): number {
    const address = this.#next;
    this.#next += Math.ceil(bytes / 64) * 64;
    if (this.#next > this.buffer.byteLength) throw new Error('The test needs a larger memory.');
    new Uint8Array(this.buffer, address, bytes).fill(0xee);
    return address;
  }

  bytes(data: ArrayLike<number>): number {
    const address = this.room(data.length);
    new Uint8Array(this.buffer, address, data.length).set(data);
    return address;
  }

  floats(data: ArrayLike<number>): number {
    const address = this.room(4 * data.length);
    new Float32Array(this.buffer, address, data.length).set(data);
    return address;
  }

  integers(data: ArrayLike<number>): number {
    const address = this.room(4 * data.length);
    new Int32Array(this.buffer, address, data.length).set(data);
    return address;
  }

  readFloats(address: number, length: number): Float32Array {
    return new Float32Array(this.buffer.slice(address, address + 4 * length));
  }

  readIntegers(address: number, length: number): Int32Array {
    return new Int32Array(this.buffer.slice(address, address + 4 * length));
  }

  readDoubles(address: number, length: number): Float64Array {
    return new Float64Array(this.buffer.slice(address, address + 8 * length));
  }

  /** Runs items in pieces that end at `cuts`, as threads would. */
  run(operation: OperationName, items: number, args: readonly number[], cuts: readonly number[] = []): void {
    const ends = [...cuts.map((cut) => Math.round(cut * items)).sort((a, b) => a - b), items];
    let from = 0;
    for (const to of ends) {
      if (to > from) this.operations.table[OPERATION_CODES[operation]](from, to, this.scratch, ...args);
      from = Math.max(from, to);
    }
  }

  /** Writes the records of matrices that make one product; results of each follow those of the one before. */
  records(matrices: readonly Matrix[]): { address: number; groups: number; width: number } {
    const address = this.room(MATRIX_BYTES * matrices.length);
    let groups = 0;
    let width = 0;
    matrices.forEach((matrix, i) => {
      writeMatrix(new DataView(this.buffer), address + i * MATRIX_BYTES, matrix, groups, width);
      groups += groupCount(matrix.rows);
      width += paddedRow(matrix.rows);
    });
    return { address, groups, width };
  }

  /** Lays a ternary matrix out through transformers' packing (order quarters) or I2_S-like rows (neighbours). */
  ternary(trits: Int8Array, rows: number, columns: number, order: Matrix['order'], scale = 1): Matrix {
    const matrix: Matrix = { rows, columns, format: FORMAT_TERNARY, order, scale, values: 0 };
    matrix.values = this.room(matrixBytes(rows, columns, FORMAT_TERNARY));
    const blocks = blockCount(columns);
    this.run('clearGroups', groupCount(rows), [matrix.values, blocks]);
    const status = this.integers([0]);
    if (order === 'neighbours') {
      // Trits as f32 are their own master weights with an inverse scale of 1.
      const source = this.floats(trits);
      const one = 0x3f80_0000;
      this.run('layTernarised', rows, [source, 1, columns, matrix.values, blocks, 0, one, 0, status]);
    } else {
      const quarter = groupCount(rows);
      const packed = new Uint8Array(quarter * columns).fill(0x55);
      for (let row = 0; row < rows; row++) {
        const shift = 2 * Math.floor(row / quarter);
        for (let c = 0; c < columns; c++) {
          const at = (row % quarter) * columns + c;
          packed[at] = (packed[at] & ~(3 << shift)) | ((trits[row * columns + c] + 1) << shift);
        }
      }
      this.run('layPacked', quarter, [this.bytes(packed), columns, matrix.values, blocks, 0, status]);
    }
    if (this.readIntegers(status, 1)[0] !== 0) throw new Error('The weights were refused.');
    return matrix;
  }

  /** Quantized vectors from integers chosen by hand, with activation scales 1. */
  vectors(values: readonly Int8Array[], columns: number): number {
    const stride = quantizedBytes(this.name, columns);
    const blocks = blockCount(columns);
    const address = this.room(stride * values.length);
    values.forEach((vector, t) => {
      const record = address + t * stride;
      new Float32Array(this.buffer, record, 1)[0] = 1;
      const target = new Int8Array(this.buffer, record + QUANTIZED_HEADER_BYTES, blocks * BLOCK_COLUMNS);
      target.fill(0);
      target.set(vector);
    });
    this.run('completeQuantized', values.length, [address, blocks]);
    return address;
  }
}

/** The three kernels, each on its own memory. */
export function allBenches(): Promise<Bench[]> {
  return Promise.all(KERNEL_NAMES.map((name) => Bench.create(name)));
}
