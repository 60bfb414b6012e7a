/**
 * Number formats of checkpoint files, and the two 16-bit floats turned to 32 bits and back.
 * Widening is exact for every code. Narrowing rounds half to even, as PyTorch does. All files are little-endian, and
 * so is every machine that runs WebAssembly at speed, so values are read through typed arrays as they stand.
 */

/** Bytes of one value, by the name that safetensors gives the format. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** A number format, by its safetensors name. */
export type Dtype = keyof typeof DTYPE_BYTES;

/** The two 16-bit floats: BF16 has 8 exponent and 7 fraction bits, F16 has 5 and 10. */
export type HalfDtype = 'BF16' | 'F16';

/** Whether `name` is a number format that this project reads. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPE_BYTES, name);
}

/**
 * BF16 or F16 codes to 32-bit floats, exactly: infinities, NaN payloads and denormals included.
 * @param codes one 16-bit code a value
 * @param target where to write; as long as `codes`
 */
export function widenHalf(
  dtype: HalfDtype,
  codes: Uint16Array,
  target: Float32Array = new Float32Array(codes.length),
): Float32Array {
  // Bits, not numbers, are written: a number assignment may replace a NaN's payload.
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  if (dtype === 'BF16') for (let i = 0; i < codes.length; i++) bits[i] = codes[i] << 16;
  else for (let i = 0; i < codes.length; i++) bits[i] = f16ToBits(codes[i]);
  return target;
}

/**
 * 32-bit floats to BF16 or F16 codes, half to even. What is too large becomes infinite; NaN stays NaN.
 * @param target where to write; as long as `values`
 */
export function narrowHalf(
  dtype: HalfDtype,
  values: Float32Array,
  target: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  if (dtype === 'BF16') for (let i = 0; i < bits.length; i++) target[i] = bitsToBf16(bits[i]);
  else for (let i = 0; i < bits.length; i++) target[i] = bitsToF16(bits[i]);
  return target;
}

/**
 * Values rounded to half precision (F16: 11 bits of fraction), half to even, and back to 32 bits. Beyond 65,504 they
 * become infinite, as they do on hardware.
 */
export function roundToHalf(values: Float32Array): Float32Array {
  return widenHalf('F16', narrowHalf('F16', values));
}

const scratchCode = new Uint16Array(1);
const scratchValue = new Float32Array(1);

/** One BF16 or F16 code as a number. */
export function halfToNumber(dtype: HalfDtype, code: number): number {
  scratchCode[0] = code;
  return widenHalf(dtype, scratchCode, scratchValue)[0];
}

/** The BF16 or F16 code nearest to a number, half to even. */
export function numberToHalf(dtype: HalfDtype, value: number): number {
  scratchValue[0] = value;
  return narrowHalf(dtype, scratchValue, scratchCode)[0];
}

const F32_NAN_ABOVE = 0x7f80_0000; // magnitude bits of infinity; anything larger is a NaN

function bitsToBf16(bits: number): number {
  if ((bits & 0x7fff_ffff) > F32_NAN_ABOVE) {
    // The payload's upper bits survive; a payload in the lower bits alone would otherwise turn into infinity.
    const code = bits >>> 16;
    return (code & 0x7f) === 0 ? code | 0x40 : code;
  }
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function f16ToBits(code: number): number {
  const sign = (code & 0x8000) << 16;
  const exponent = (code >>> 10) & 0x1f;
  let fraction = code & 0x3ff;
  if (exponent === 0x1f) return sign | F32_NAN_ABOVE | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A denormal: shift until the leading one stands where a normal number hides it.
  let shifted = 113;
  while ((fraction & 0x400) === 0) {
    fraction <<= 1;
    shifted -= 1;
  }
  return sign | (shifted << 23) | ((fraction & 0x3ff) << 13);
}

function bitsToF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > F32_NAN_ABOVE) {
    const payload = (magnitude >>> 13) & 0x3ff;
    return sign | 0x7c00 | (payload === 0 ? 0x200 : payload);
  }
  if (magnitude >= 0x4780_0000) return sign | 0x7c00; // 2¹⁶ and above, infinity included
  if (magnitude >= 0x3880_0000) {
    // Normal in F16. A carry out of the fraction runs into the exponent, as it should, up to infinity.
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x3800_0000) >>> 13);
  }
  // Denormal in F16: the fraction counts steps of 2⁻²⁴.
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return sign;
  const fraction = (magnitude & 0x7f_ffff) | 0x80_0000;
  const half = 1 << (shift - 1);
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  return sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
}
