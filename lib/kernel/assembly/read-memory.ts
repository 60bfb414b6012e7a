// Nothing but reading: the speed that every other operation is held against.
import { READ_BYTES } from '../layout';

/**
 * Items `from` to `to`, each READ_BYTES bytes from `address` on.
 * @param sink gets the bitwise or of all that was read, so that nothing is optimised away
 */
export function readMemory(from: i32, to: i32, scratch: usize, address: usize, sink: usize): void {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  const end = address + <usize>to * READ_BYTES;
  for (let at = address + <usize>from * READ_BYTES; at < end; at += 128) {
    a = v128.or(a, v128.or(v128.load(at), v128.load(at, 64)));
    b = v128.or(b, v128.or(v128.load(at, 16), v128.load(at, 80)));
    c = v128.or(c, v128.or(v128.load(at, 32), v128.load(at, 96)));
    d = v128.or(d, v128.or(v128.load(at, 48), v128.load(at, 112)));
  }
  const all = v128.or(v128.or(a, b), v128.or(c, d));
  atomic.or<i32>(sink, i32x4.extract_lane(all, 0) | i32x4.extract_lane(all, 1));
  atomic.or<i32>(sink, i32x4.extract_lane(all, 2) | i32x4.extract_lane(all, 3));
}
