/** The dtype that an embedding has in a GGUF file, and its values in it. */
import type { TensorEntry } from '../checkpoint.js';
import { narrowHalf, widenHalf, type HalfDtype } from '../dtypes.js';
import type { ExportPlan } from './export-plan.js';

/** A half-precision float has 65,536 values: a table knows what becomes of each. */
const BF16_VALUES = widenHalf(
  'BF16',
  Uint16Array.from({ length: 65_536 }, (_, code) => code),
);
const BF16_TO_F16 = narrowHalf('F16', BF16_VALUES);
const BF16_FITS = Uint8Array.from(widenHalf('F16', BF16_TO_F16), (back, code) =>
  Math.abs(BF16_VALUES[code] - back) <= 2 ** -25 ? 1 : 0,
);

/**
 * F16, which every engine reads, for an embedding in BF16 that stays within its range: only values below 2⁻¹⁴ lose
 * anything, 2⁻²⁵ at most. For one in F32 only if every value is exact. Else the dtype that it has.
 */
export async function embeddingDtype(plan: ExportPlan, entry: TensorEntry): Promise<'F32' | HalfDtype> {
  const from = entry.encoding as 'F32' | HalfDtype;
  if (from === 'F16') return from;
  for await (const { buffer } of plan.pieces(entry)) {
    const fits = from === 'F32' ? isExactInF16(new Float32Array(buffer)) : fitsF16(new Uint16Array(buffer));
    if (!fits) return from;
  }
  return 'F16';
}

function isExactInF16(values: Float32Array): boolean {
  const back = widenHalf('F16', narrowHalf('F16', values));
  for (let i = 0; i < values.length; i++) if (values[i] !== back[i]) return false;
  return true;
}

function fitsF16(codes: Uint16Array): boolean {
  for (let i = 0; i < codes.length; i++) if (BF16_FITS[codes[i]] === 0) return false;
  return true;
}

/** The bytes of some values in another dtype. @param bytes on a buffer of their own */
export function convert(
  bytes: Uint8Array<ArrayBuffer>,
  from: 'F32' | HalfDtype,
  to: 'F32' | HalfDtype,
): Uint8Array {
  if (from === to) return bytes;
  if (from === 'F32')
    return new Uint8Array(narrowHalf(to as HalfDtype, new Float32Array(bytes.buffer)).buffer);
  const codes = new Uint16Array(bytes.buffer);
  if (to === 'F32') return new Uint8Array(widenHalf(from, codes).buffer);
  for (let i = 0; i < codes.length; i++) codes[i] = BF16_TO_F16[codes[i]];
  return bytes;
}
