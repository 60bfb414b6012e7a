/** Where the bytes of a checkpoint go. */
import { stat } from 'node:fs/promises';
import type { Checkpoint, TensorEntry } from './checkpoint.js';
import { countValues } from '../shape.js';

/** What a checkpoint's bytes are for. `rest`: headers, scales, names, padding, and in GGUF the tokenizer. */
const BYTE_KINDS = ['linear layers', 'embedding', 'output matrix', 'norms', 'rest'] as const;
export type ByteKind = (typeof BYTE_KINDS)[number];

/** The bytes of one kind. */
export interface KindBytes {
  kind: ByteKind;
  /** Numbers stored; 0 for the rest. */
  values: number;
  bytes: number;
  /** How they are stored, such as `packed`; more than one where tensors differ. */
  encodings: string[];
}

/** Bytes of the files that hold a checkpoint's tensors, by kind; together the size of these files. */
export async function bytesByKind(checkpoint: Checkpoint): Promise<KindBytes[]> {
  const entries = [...checkpoint.tensors.values()];
  const kinds = BYTE_KINDS.map((kind): KindBytes => {
    const own = entries.filter(({ name }) => kindOf(name) === kind);
    return {
      kind,
      values: own.reduce((sum, { shape }) => sum + countValues(shape), 0),
      bytes: bytesOf(own),
      encodings: [...new Set(own.map(({ encoding }) => encoding))],
    };
  });
  const files = await Promise.all([...new Set(entries.map(({ file }) => file))].map((file) => stat(file)));
  const rest = kinds.find(({ kind }) => kind === 'rest')!;
  rest.bytes = files.reduce((sum, { size }) => sum + size, 0) - bytesOf(entries);
  return kinds.filter(({ bytes }) => bytes > 0);
}

function kindOf(name: string): ByteKind {
  if (name.endsWith('_proj.weight')) return 'linear layers';
  if (name === 'model.embed_tokens.weight') return 'embedding';
  return name === 'lm_head.weight' ? 'output matrix' : 'norms';
}

function bytesOf(entries: readonly TensorEntry[]): number {
  return entries.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
