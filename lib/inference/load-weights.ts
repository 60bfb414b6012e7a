/** Streams a checkpoint into a model's memory: one piece is laid out while the next ones are read. */
import { setImmediate } from 'node:timers/promises';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { widenHalf } from '../checkpoint/dtypes.js';
import { isTernary } from '../checkpoint/encodings.js';
import { MATRIX_SCALE } from '../kernel/layout.js';
import { groupCount, writeMatrix, type Matrix } from '../kernel/matrix.js';
import type { Team } from '../kernel/team.js';
import { LAYER_SITES, type LayerSite } from '../parameters.js';
import type { ModelMemory, Product } from './model-memory.js';
import { matrixPieces, pieceBytes, refuseTensor, type Piece } from './weight-pieces.js';

/** Pieces that are read at the same time, while one more is laid out. */
const READS_AHEAD = 3;
/** Places for pieces in memory. */
const SLOTS = READS_AHEAD + 1;
/** Groups of four rows of the shortlist that are worth another thread. */
const SHORTLIST_GROUPS = 16;

/** How far a model's loading is. */
export interface LoadProgress {
  /** `download` from the Hub, then `weights` into memory. */
  stage: 'download' | 'weights';
  /** Bytes done so far. */
  bytes: number;
  /** Bytes to be done in this stage. */
  totalBytes: number;
  /** Bytes a second, over the last seconds; while downloading. */
  bytesPerSecond?: number;
  /** Seconds that are left at this rate; while downloading. */
  secondsLeft?: number;
}

/** The seven matrices of a layer in the order of its products, by the part of their name that is theirs. */
const LAYER_MATRICES = Object.values(LAYER_SITES).flatMap(({ readers }) => readers);

/** Every matrix of a model with the tensor it comes from. */
export function* matricesOf(
  memory: ModelMemory,
): Generator<{ name: string; matrix: Matrix; product: Product; index: number }> {
  for (const [layer, { queryKeyValue, output, gateUp, down }] of memory.layers.entries()) {
    const parts = [queryKeyValue, output, gateUp, down].flatMap((product) =>
      product.matrices.map((matrix, index) => ({ matrix, product, index })),
    );
    for (const [i, part] of parts.entries())
      yield { name: `model.layers.${layer}.${LAYER_MATRICES[i]}.weight`, ...part };
  }
}

/** Bytes of the largest pieces that lie in memory together: what the loading needs besides the model. */
export function stagingBytesOf(checkpoint: Checkpoint, memory: ModelMemory): number {
  const matrices = [...matricesOf(memory), ...headMatrices(memory)];
  const largest = Math.max(
    ...matrices.map(({ name, matrix }) => pieceBytes(checkpoint, checkpoint.tensors.get(name)!, matrix)),
  );
  return SLOTS * Math.ceil(largest / 64) * 64;
}

function headMatrices(memory: ModelMemory): { name: string; matrix: Matrix }[] {
  const embedding = { name: 'model.embed_tokens.weight', matrix: memory.embedding };
  const [head] = memory.head.matrices;
  return head === memory.embedding ? [embedding] : [embedding, { name: 'lm_head.weight', matrix: head }];
}

/**
 * Loads all weights of a checkpoint.
 * @throws CheckpointError for damaged data; the signal's reason when it is aborted
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  memory: ModelMemory,
  team: Team,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: LoadProgress) => void } = {},
): Promise<void> {
  const view = new DataView(team.buffer);
  const entryOf = (name: string): TensorEntry => checkpoint.tensors.get(name)!;
  for (const { name, matrix } of matricesOf(memory)) {
    const { encoding } = entryOf(name);
    if (isTernary(encoding) || checkpoint.scale(name) !== undefined) matrix.scale = checkpoint.scale(name)!;
  }
  writeRecords(view, memory);
  await loadGains(checkpoint, memory, team, signal);

  const pieces = allPieces(checkpoint, memory, team);
  const stagingBytes = stagingBytesOf(checkpoint, memory);
  const totalBytes = [...checkpoint.tensors.values()].reduce((sum, entry) => sum + entry.byteLength, 0);
  let bytes = 0;
  for await (const [piece, address] of readAhead(
    checkpoint,
    memory.cache,
    stagingBytes,
    team,
    pieces,
    signal,
  )) {
    piece.lay(address);
    const status = new Int32Array(team.buffer, memory.status, 1);
    if (status[0] !== 0) await refuseTensor(checkpoint, piece.entry, status[0]);
    bytes += piece.byteLength;
    onProgress?.({ stage: 'weights', bytes: Math.min(bytes, totalBytes), totalBytes });
  }
  // Scales of master weights are known only now.
  for (const { product, index, matrix } of matricesOf(memory)) {
    view.setFloat32(product.records + index * 32 + MATRIX_SCALE, matrix.scale, true);
  }
  // The bytes of the file went through the KV cache, whose padding has to be zero.
  new Uint8Array(team.buffer, memory.cache, stagingBytes).fill(0);
  onProgress?.({ stage: 'weights', bytes: totalBytes, totalBytes });
}

/** Writes where their matrices are into the records of the products. */
export function writeRecords(view: DataView, memory: ModelMemory): void {
  const write = ({ records, matrices, outOffsets }: Product): void => {
    let groups = 0;
    for (const [i, matrix] of matrices.entries()) {
      writeMatrix(view, records + i * 32, matrix, groups, outOffsets[i]);
      groups += groupCount(matrix.rows);
    }
  };
  for (const { queryKeyValue, output, gateUp, down } of memory.layers) {
    for (const product of [queryKeyValue, output, gateUp, down]) write(product);
  }
  writeMatrix(view, memory.embeddingRecord, memory.embedding, 0, 0);
  if (memory.head.matrices[0] !== memory.embedding) write(memory.head);
}

async function loadGains(
  checkpoint: Checkpoint,
  memory: ModelMemory,
  team: Team,
  signal?: AbortSignal,
): Promise<void> {
  const load = async (name: string, address: number): Promise<void> => {
    if (address === 0) return;
    const gain = await readFloats(checkpoint, checkpoint.tensors.get(name)!, signal);
    new Float32Array(team.buffer, address, gain.length).set(gain);
  };
  for (const [layer, { gains }] of memory.layers.entries()) {
    const before = (site: LayerSite, address: number): Promise<void> =>
      load(`model.layers.${layer}.${LAYER_SITES[site].norm}.weight`, address);
    await before('self_attn.input', gains.input);
    await before('self_attn.output', gains.attention);
    await before('mlp.input', gains.postAttention);
    await before('mlp.output', gains.feedForward);
  }
  await load('model.norm.weight', memory.finalGain);
}

async function readFloats(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const bytes = new Uint8Array(entry.byteLength);
  await checkpoint.read(entry, bytes, 0, signal);
  const values =
    entry.encoding === 'F32'
      ? new Float32Array(bytes.buffer)
      : widenHalf(entry.encoding as 'F16' | 'BF16', new Uint16Array(bytes.buffer));
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong === -1) return values;
  const { file, name: tensor, byteOffset, byteLength } = entry;
  throw new CheckpointError({
    operation: 'load model',
    file,
    tensor,
    offset: byteOffset + wrong * (byteLength / values.length),
    what: 'the gain of a norm',
    expected: 'finite numbers',
    found: `${values[wrong]}`,
    hint: 'The file is damaged, or the training run that wrote it had diverged.',
  });
}

function* allPieces(checkpoint: Checkpoint, memory: ModelMemory, team: Team): Generator<Piece> {
  for (const { name, matrix } of matricesOf(memory)) {
    yield* matrixPieces(checkpoint, checkpoint.tensors.get(name)!, matrix, memory, team);
  }
  const [head] = memory.head.matrices;
  for (const { name, matrix } of headMatrices(memory)) {
    const entry = checkpoint.tensors.get(name)!;
    yield* matrixPieces(checkpoint, entry, matrix, memory, team, (from, to) => {
      if (matrix === head && memory.shortlist !== 0) layShortlist(memory, team, from, to);
    });
  }
}

/** Int8 copies of some groups of the head, while these are in the cache. */
function layShortlist(memory: ModelMemory, team: Team, from: number, to: number): void {
  const { head, shortlist, config } = memory;
  team.run(
    'layShortlist',
    { items: to - from, smallest: SHORTLIST_GROUPS },
    { head: head.records, columns: config.hidden_size, shortlist, firstGroup: from },
  );
}

/** Reads pieces ahead, and yields them in order with the address of their bytes. */
async function* readAhead(
  checkpoint: Checkpoint,
  staging: number,
  stagingBytes: number,
  team: Team,
  pieces: Generator<Piece>,
  signal?: AbortSignal,
): AsyncGenerator<[Piece, number]> {
  const slotBytes = stagingBytes / SLOTS;
  const reading: { piece: Piece; address: number; done: Promise<void> }[] = [];
  let count = 0;
  const readNext = (): void => {
    const { value: piece, done } = pieces.next();
    if (done === true) return;
    const address = staging + (count++ % SLOTS) * slotBytes;
    const target = new Uint8Array(team.buffer, address, piece.byteLength);
    const read = checkpoint.read(piece.entry, target, piece.byteStart, signal);
    read.catch(() => {}); // reported when its turn comes
    reading.push({ piece, address, done: read });
  };
  try {
    for (let i = 0; i < READS_AHEAD; i++) readNext();
    while (reading.length > 0) {
      signal?.throwIfAborted();
      const { piece, address, done } = reading[0];
      await done;
      reading.shift();
      readNext();
      yield [piece, address];
      // Laying out does not wait for anything, so others get their turn here, the abort signal among them.
      await setImmediate();
    }
  } finally {
    // Nothing may still write into this memory, or read from a file that is being closed.
    await Promise.allSettled(reading.map(({ done }) => done));
  }
}
