import { describe, expect, it } from 'vitest';
import { MAX_CHUNKS, publish, RESERVED_BYTES, takeChunks } from '../../lib/kernel/job-board.js';
import { MAX_ARGUMENTS, type Operation } from '../../lib/kernel/operations.js';

type Chunk = [from: number, to: number, argument: number];

/** A board, and what ran from it. */
function startBoard(): { words: Int32Array; ran: Chunk[]; take: () => void } {
  const words = new Int32Array(RESERVED_BYTES / 4);
  const ran: Chunk[] = [];
  const operation: Operation = (from, to, _scratch, a0) => ran.push([from, to, a0]);
  return { words, ran, take: () => takeChunks(words, [operation], 0) };
}

/** Arguments at whose every reading `between` happens: another thread, in the middle of a job's being written. */
function argumentsWith(a0: number, between: () => void): Int32Array {
  const args = new Int32Array(MAX_ARGUMENTS).fill(a0);
  return new Proxy(args, {
    get(target, key) {
      between();
      return Reflect.get(target, key) as unknown;
    },
  });
}

describe('publish', () => {
  it.each([
    ['few chunks after many', 9, 3],
    ['many chunks after few', 3, 9],
    ['the most chunks after one', 1, MAX_CHUNKS],
  ])('gives out no chunk of a job that is half written: %s', (_, before, after) => {
    const { words, ran, take } = startBoard();
    publish(words, 0, before, 1, before, new Int32Array(MAX_ARGUMENTS));
    take();
    ran.length = 0;
    publish(words, 0, after, 1, after, argumentsWith(7, take));
    expect(ran).toEqual([]);
    take();
    expect(ran).toEqual(Array.from({ length: after }, (_item, i) => [i, i + 1, 7]));
  });

  it('gives out chunks that cover all items once, the last one shorter', () => {
    const { words, ran, take } = startBoard();
    publish(
      words,
      0,
      10,
      4,
      3,
      argumentsWith(1, () => {}),
    );
    take();
    take();
    expect(ran).toEqual([
      [0, 4, 1],
      [4, 8, 1],
      [8, 10, 1],
    ]);
  });
});
