// Rows of the embedding matrix, which lies as the head needs it: four rows side by side.
import { FORMAT_BF16, FORMAT_F32, MATRIX_FORMAT, MATRIX_VALUES } from '../layout';
import { floatGroupBytes } from './float-product';
import { f16ToF32 } from './half';

/**
 * Tokens `from` to `to`.
 * @param matrix record of a float matrix with steps 4 and 1
 * @param ids `[tokens]`
 * @param out `[tokens][outStride]`
 */
export function embed(
  from: i32,
  to: i32,
  scratch: usize,
  matrix: usize,
  columns: i32,
  ids: usize,
  out: usize,
  outStride: i32,
): void {
  const format = load<i32>(matrix, MATRIX_FORMAT);
  for (let t = from; t < to; t++) {
    const id = load<i32>(ids + ((<usize>t) << 2));
    const group = <usize>load<u32>(matrix, MATRIX_VALUES) + <usize>(id >> 2) * floatGroupBytes(format, columns);
    const lane = group + <usize>(id & 3) * 16;
    const target = out + ((<usize>t * <usize>outStride) << 2);
    for (let c = 0; c < columns; c++) {
      let value: f32;
      if (format == FORMAT_F32) {
        value = load<f32>(lane + <usize>(c >> 2) * 64 + ((<usize>(c & 3)) << 2));
      } else {
        const code = load<u16>(lane + <usize>(c >> 3) * 64 + ((<usize>(c & 7)) << 1));
        value = format == FORMAT_BF16 ? reinterpret<f32>(<u32>code << 16) : f16ToF32(code);
      }
      store<f32>(target + ((<usize>c) << 2), value);
    }
  }
}
