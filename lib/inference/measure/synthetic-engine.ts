/**
 * The engine on weights that mean nothing, in any shape that the papers print and in three forms. Time and memory do not
 * depend on what weights say, so a shape can be measured whose checkpoint nobody has; and as many of its layers as fit.
 */
import type { TransformerShape } from '../../papers/shapes.js';
import { checkShape } from '../../papers/shapes.js';
import type { TensorEntry } from '../../checkpoint/checkpoint.js';
import { parseModelConfig, type ModelConfig } from '../../config.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Matrix } from '../../kernel/matrix.js';
import { allocateMemory, availableMemory, checkMemory, MAX_MEMORY_BYTES } from '../../kernel/memory.js';
import { Team } from '../../kernel/team.js';
import type { WasmMemory } from '../../kernel/webassembly.js';
import { parameterSpecs } from '../../parameters.js';
import { Engine } from '../engine.js';
import { writeAttentionShape } from '../load-model.js';
import { writeRecords } from '../load-weights.js';
import type { LayerMemory, ModelMemory } from '../model-memory.js';
import { planModelMemory } from '../plan-memory.js';
import { makeUp, ROWS_MADE } from './synthetic-weights.js';

/** How the matrices of the layers are kept: two bits a weight, or the floats themselves. */
export type WeightForm = 'ternary' | 'fp16' | 'fp32';

/** Where the layers of a shape lie in memory: all of them, or as many as fit. */
export interface ShapePlan {
  shape: TransformerShape;
  form: WeightForm;
  threads: number;
  /** Layers that are held and measured. */
  layersHeld: number;
  memory: ModelMemory;
}

/** Share of the free memory that a measurement may take: other programs need some too. */
const MEMORY_SHARE = 0.8;

/** The shape as a config of this project, with fewer layers where not all fit. */
function configOf(shape: TransformerShape, layers: number): ModelConfig {
  return parseModelConfig({
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    head_dim: shape.headDim,
    hidden_act: 'silu',
    max_position_embeddings: CONTEXT,
    rope_theta: 10_000,
    tie_word_embeddings: shape.tied,
    quantization_config: {
      quant_method: 'bitnet',
      linear_class: 'autobitlinear',
      quantization_mode: 'online',
    },
  });
}

/** Positions that the cache holds: attention is no part of what is compared. */
const CONTEXT = 2;

function planLayers(
  shape: TransformerShape,
  form: WeightForm,
  kernel: Kernel,
  threads: number,
  layers: number,
): ModelMemory {
  const config = configOf(shape, layers);
  const encoding = form === 'fp32' ? 'F32' : 'F16';
  const tensors = new Map(
    parameterSpecs(config).map(({ name, shape }): [string, TensorEntry] => [
      name,
      {
        name,
        shape,
        encoding: shape.length === 2 ? encoding : 'F32',
        file: '',
        byteOffset: 0,
        byteLength: 0,
      },
    ]),
  );
  return planModelMemory(config, tensors, form === 'ternary', {
    kernel: kernel.name,
    threads,
    contextLength: CONTEXT,
    shortlist: false,
    stagingBytes: 4 * ROWS_MADE * Math.max(shape.hidden, shape.intermediate, shape.heads * shape.headDim),
  });
}

/**
 * Plans the memory of a shape: with all layers, or with as many as fit in what WebAssembly can address and the machine has
 * free. Nothing is allocated.
 * @param memoryBytes most that may be used; by default what there is
 * @throws MemoryError where not even one layer fits; Error for sizes that do not go together
 */
export function planShape(
  shape: TransformerShape,
  form: WeightForm,
  kernel: Kernel,
  { threads = 1, memoryBytes = Infinity }: { threads?: number; memoryBytes?: number } = {},
): ShapePlan {
  checkShape(shape);
  if (!shape.gated)
    throw new Error(`measure shape: the feed-forward must be gated, got two matrices in ${shape.name}.`);
  const limit = Math.min(memoryBytes, MAX_MEMORY_BYTES, availableMemory() * MEMORY_SHARE);
  const bytesOf = (layers: number): number => planLayers(shape, form, kernel, threads, layers).bytes.total;
  const perLayer = bytesOf(2) - bytesOf(1);
  const layersHeld = Math.min(shape.layers, 1 + Math.floor((limit - bytesOf(1)) / perLayer));
  checkMemory(
    bytesOf(Math.max(1, layersHeld)),
    `one layer of ${shape.name} in ${form}, with embedding and output matrix,`,
    'Close other programs, or take a smaller shape.',
    limit,
  );
  const memory = planLayers(shape, form, kernel, threads, layersHeld);
  return { shape, form, threads, layersHeld, memory };
}

/** The memory of a plan, filled: threads can be started on it one team after the other. */
export async function fillShape(plan: ShapePlan, kernel: Kernel): Promise<WasmMemory> {
  const { memory } = plan;
  const wasm = allocateMemory(memory.bytes.total);
  const view = new DataView(wasm.buffer);
  const team = await Team.start(kernel, wasm, 1, memory.scratch, memory.scratchBytes);
  try {
    writeAttentionShape(view, memory);
    const [first, ...others] = memory.layers;
    const bytes = new Uint8Array(wasm.buffer);
    for (const matrix of matricesOf(first)) makeUp(matrix, memory, team);
    const end = others.length > 0 ? startOf(others[0]) : 0;
    // Layers lie one after the other and alike, records and gains included; only the addresses differ.
    for (const layer of others) bytes.copyWithin(startOf(layer), startOf(first), end);
    for (const layer of others)
      for (const [i, matrix] of matricesOf(layer).entries()) matrix.scale = matricesOf(first)[i].scale;
    for (const gain of [...memory.layers.flatMap(({ gains }) => Object.values(gains)), memory.finalGain])
      if (gain > 0)
        new Float32Array(wasm.buffer, gain, memory.inputWidth).fill(1, 0, widthOfGain(gain, memory));
    makeUp(memory.embedding, memory, team);
    const [head] = memory.head.matrices;
    if (head !== memory.embedding) makeUp(head, memory, team);
    writeRecords(view, memory);
    return wasm;
  } finally {
    await team.close();
  }
}

/** A team on a filled memory, and the engine on it. Close the team when done. */
export async function startShape(
  { memory }: ShapePlan,
  kernel: Kernel,
  wasm: WasmMemory,
  threads: number,
): Promise<Engine> {
  return new Engine(await Team.start(kernel, wasm, threads, memory.scratch, memory.scratchBytes), memory);
}

function matricesOf(layer: LayerMemory): Matrix[] {
  return [layer.queryKeyValue, layer.output, layer.gateUp, layer.down].flatMap(({ matrices }) => [
    ...matrices,
  ]);
}

function startOf(layer: LayerMemory): number {
  return layer.queryKeyValue.matrices[0].values;
}

/** Columns of the vector that a gain multiplies. */
function widthOfGain(gain: number, { layers, config, finalGain }: ModelMemory): number {
  if (gain === finalGain) return config.hidden_size;
  const { gains, output, down } = layers.find(({ gains }) => Object.values(gains).includes(gain))!;
  if (gain === gains.attention) return output.columns;
  return gain === gains.feedForward ? down.columns : config.hidden_size;
}
