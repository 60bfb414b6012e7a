/** Tensors that older exporters left in their files although the config says them already. transformers skips them too. */
import { CheckpointError } from '../checkpoint-error.js';
import type { ModelConfig } from '../../config.js';
import type { FileEntry } from './shards.js';

/** The frequencies of the rotary embedding, which follow from rope_theta. */
const RE_FREQUENCIES = /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/;
const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const CHUNK_BYTES = 2 ** 22;

/**
 * The tensors without those that say nothing new: frequencies, and an output matrix that the config ties to the embedding.
 * @throws CheckpointError if that matrix is another than the embedding
 */
export async function withoutRepeats(
  config: ModelConfig,
  found: ReadonlyMap<string, FileEntry>,
  signal?: AbortSignal,
): Promise<Map<string, FileEntry>> {
  const kept = new Map([...found].filter(([name]) => !RE_FREQUENCIES.test(name)));
  const [head, embedding] = [kept.get(HEAD), kept.get(EMBEDDING)];
  if (!config.tie_word_embeddings || head === undefined || embedding === undefined) return kept;
  const different = await firstDifference(head, embedding, signal);
  if (different !== undefined) {
    throw new CheckpointError({
      operation: 'open checkpoint',
      file: head.file.path,
      tensor: HEAD,
      offset: head.byteOffset + different,
      what: 'the output matrix',
      expected: 'left out or equal to the embedding, since tie_word_embeddings is true,',
      found: 'another',
      hint: 'Set tie_word_embeddings to false in config.json if the model has an output matrix of its own.',
    });
  }
  kept.delete(HEAD);
  return kept;
}

/** Where two tensors differ first, in bytes from their start; undefined if they do not. */
async function firstDifference(
  a: FileEntry,
  b: FileEntry,
  signal?: AbortSignal,
): Promise<number | undefined> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return 0;
  const length = Math.min(CHUNK_BYTES, a.byteLength);
  const [ofA, ofB] = [Buffer.alloc(length), Buffer.alloc(length)];
  for (let start = 0; start < a.byteLength; start += length) {
    const count = Math.min(length, a.byteLength - start);
    const chunks = [ofA.subarray(0, count), ofB.subarray(0, count)];
    for (const [i, { file, byteOffset }] of [a, b].entries()) {
      await file.read(byteOffset + start, chunks[i], { operation: 'open checkpoint', tensor: HEAD }, signal);
    }
    if (!chunks[0].equals(chunks[1]))
      return start + chunks[0].findIndex((byte, at) => byte !== chunks[1][at]);
  }
  return undefined;
}
