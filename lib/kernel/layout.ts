/**
 * How numbers lie in the kernel's memory. Read by the AssemblyScript kernels and by TypeScript alike, so this file uses
 * only what both languages understand: whole-number constants and nothing else.
 *
 * Ternary matrix: `[groups][blocks][4 rows][16 bytes]`. A group is four rows, a block is 64 columns, and field k (two
 * bits) of byte j is column `64 · block + 16 k + j`. A field holds trit + 1. One group and block is one cache line of
 * 64 bytes. Rows are padded to a multiple of four and columns to a multiple of 64 with zeros. Which rows make a group
 * is free: row `group · groupStep + lane · rowStep`. Rows stored one after the other have steps 4 and 1; transformers'
 * packed format has 1 and out / 4, so that one of its byte rows becomes one group without any sorting.
 *
 * Float matrix: `[groups][columns / 8 or 4][4 rows][16 bytes]`, that is eight 16-bit or four 32-bit values of each row.
 *
 * Quantized vector (one token): a header with the scale 127 / absmax (f32) and the correction (i32) that the integer
 * product subtracts, then one byte a column, padded with zeros to whole blocks, then, for the plain kernel only, the
 * differences that its product works on (16 bits a column).
 */

/** Rows that are computed together. */
export const GROUP_ROWS = 4;
/** Columns of a block of a ternary matrix. */
export const BLOCK_COLUMNS = 64;
/** Bytes of four rows of a block: a cache line. */
export const BLOCK_BYTES = 64;

/** Bytes before the values of a quantized vector. */
export const QUANTIZED_HEADER_BYTES = 64;
/** Where the header of a quantized vector holds its correction; the scale is at 0. */
export const QUANTIZED_CORRECTION = 4;

/** A matrix as products find it: a record of this many bytes. */
export const MATRIX_BYTES = 32;
/** Offsets in that record: i32 unless said otherwise. Groups of the matrices before it in the same product. */
export const MATRIX_FIRST_GROUP = 0;
export const MATRIX_GROUPS = 4;
/** Address of the values. */
export const MATRIX_VALUES = 8;
export const MATRIX_GROUP_STEP = 12;
export const MATRIX_ROW_STEP = 16;
/** First float of the result, counted from the start of a token's row. */
export const MATRIX_OUT_OFFSET = 20;
/** f32: what multiplies the integer product of a ternary matrix. */
export const MATRIX_SCALE = 24;
/** One of the FORMAT_ numbers. */
export const MATRIX_FORMAT = 28;

export const FORMAT_TERNARY = 0;
export const FORMAT_F32 = 1;
export const FORMAT_BF16 = 2;
export const FORMAT_F16 = 3;

/** What a product does with its result: the plain integers, numbers stored, numbers added to what is there. */
export const RESULT_INTEGERS = 0;
export const RESULT_STORE = 1;
export const RESULT_ADD = 2;

/** The shape of attention, a record of i32 unless said otherwise. */
export const ATTENTION_BYTES = 64;
export const ATTENTION_HEADS = 0;
export const ATTENTION_KV_HEADS = 4;
export const ATTENTION_HEAD_DIM = 8;
/** Floats from one position to the next in the KV cache: head_dim rounded up to 16. */
export const ATTENTION_HEAD_STRIDE = 12;
/** Positions that the cache holds. */
export const ATTENTION_CONTEXT = 16;
/** Floats from one head's scores to the next: the context rounded up to 16. */
export const ATTENTION_SCORE_STRIDE = 20;
/** Address of the cosines, `[context][head_dim / 2]`. */
export const ATTENTION_COSINES = 24;
export const ATTENTION_SINES = 28;
/** f32: 1 / √head_dim. */
export const ATTENTION_SCALE = 32;

/** Positions and head dimensions that one item of the split attention covers. */
export const SCORE_POSITIONS = 64;
export const VALUE_DIMENSIONS = 16;
/** Elements that one item of the elementwise gate covers. */
export const GATE_COLUMNS = 256;
/** Logits that one item of the log-sum-exp covers. */
export const LOGIT_BLOCK = 1024;
/** Bytes that one item of a plain read covers. */
export const READ_BYTES = 65_536;

/** Gate functions. */
export const GATE_RELU2 = 0;
export const GATE_SILU = 1;

/** Bits set in the status word when weights are laid out. */
export const STATUS_INVALID_CODE = 1;
export const STATUS_UNEQUAL_SCALES = 2;
export const STATUS_NOT_FINITE = 4;
