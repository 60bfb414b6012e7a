/** Decoding at the papers' shapes: time and memory of all layers in three forms of weights, on one kernel. */
import { linearWeights, type TransformerShape } from '../../papers/shapes.js';
import { loadKernel, type KernelChoice, type KernelName } from '../../kernel/kernel.js';
import { returnMemory } from '../../kernel/memory.js';
import { measureSpeed, type Speed } from '../speed.js';
import { fillShape, planShape, startShape, type ShapePlan, type WeightForm } from './synthetic-engine.js';
import type { WasmMemory } from '../../kernel/webassembly.js';

export interface ShapeSpeedOptions {
  /** One measurement for each number of threads. Default [1]. */
  threads?: readonly number[];
  kernel?: KernelChoice;
  /** Rounds of three; each figure is the best of their medians, since other programs can only slow it. Default 3. */
  rounds?: number;
  /** Most memory for each form; by default what there is, at most what WebAssembly can address. */
  memoryBytes?: number;
  /** Told in words what is done next: each form is filled, then measured in every round. */
  onProgress?: (next: string) => void;
}

/** What one token costs at a shape. */
export interface ShapeSpeed {
  shape: string;
  form: WeightForm;
  kernel: KernelName;
  threads: number;
  /** Layers that were held and measured; times and bytes below are scaled from them to all layers. */
  layersMeasured: number;
  layers: number;
  /** Milliseconds of all layers for one token at the start of a sequence. */
  layersMs: number;
  /** Milliseconds of the output matrix, in fp16, or fp32 in that form. */
  headMs: number;
  /** Bytes of the layers' matrices and gains as they lie in memory. */
  layersBytes: number;
  /** Bytes of embedding and output matrix. */
  embeddingBytes: number;
  /** Bytes of the weights by formula: 2, 16 or 32 bits each. */
  formulaBytes: number;
  /** Speed at which the layers' bytes went by, and of plain reading in the same rounds. */
  bytesPerSecond: number;
  memoryBytesPerSecond: number;
}

/** Bits of a weight in memory. */
const FORM_BITS: Readonly<Record<WeightForm, number>> = { ternary: 2, fp16: 16, fp32: 32 };

/**
 * Measures one token through all layers of a shape, on made-up weights, in several forms that take turns, so that what
 * else the machine does meets them alike. Where not all layers fit, as many as do are measured, and the result says so.
 * @throws MemoryError, before it is allocated, where not one layer fits
 */
export async function measureShape(
  shape: TransformerShape,
  forms: readonly WeightForm[],
  options: ShapeSpeedOptions = {},
): Promise<ShapeSpeed[]> {
  try {
    return await measureForms(shape, forms, options);
  } finally {
    await returnMemory(Infinity);
  }
}

async function measureForms(
  shape: TransformerShape,
  forms: readonly WeightForm[],
  { threads = [1], kernel: choice = 'auto', rounds = 3, memoryBytes, onProgress }: ShapeSpeedOptions,
): Promise<ShapeSpeed[]> {
  const kernel = await loadKernel(choice);
  const filled: { plan: ShapePlan; wasm: WasmMemory }[] = [];
  for (const form of forms) {
    const plan = planShape(shape, form, kernel, { threads: Math.max(...threads), memoryBytes });
    onProgress?.(`${form}: making up ${plan.layersHeld} of ${shape.layers} layers`);
    filled.push({ plan, wasm: await fillShape(plan, kernel) });
  }
  const results: ShapeSpeed[] = [];
  for (const count of threads) {
    const speeds: Speed[][] = filled.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, { plan, wasm }] of filled.entries()) {
        onProgress?.(`${plan.form}: measuring, round ${round + 1} of ${rounds}`);
        const engine = await startShape(plan, kernel, wasm, count);
        try {
          speeds[i].push(await measureSpeed(engine, { contextTokens: 1, repeats: 3 }));
        } finally {
          await engine.team.close();
        }
      }
    }
    results.push(...filled.map(({ plan }, i) => resultOf(plan, kernel.name, count, speeds[i])));
  }
  return results;
}

/** The best of each figure: other programs can only slow a machine down. */
function resultOf(
  { shape, form, layersHeld, memory }: ShapePlan,
  kernel: KernelName,
  threads: number,
  speeds: readonly Speed[],
): ShapeSpeed {
  const heldMs = Math.min(...speeds.map(({ layers }) => layers.ms));
  const scale = shape.layers / layersHeld;
  return {
    shape: shape.name,
    form,
    kernel,
    threads,
    layersMeasured: layersHeld,
    layers: shape.layers,
    layersMs: heldMs * scale,
    headMs: Math.min(...speeds.map(({ head }) => head.ms)),
    layersBytes: memory.bytes.weights * scale,
    embeddingBytes: memory.bytes.embedding,
    formulaBytes: (linearWeights(shape) * FORM_BITS[form]) / 8,
    bytesPerSecond: (memory.bytes.weights / heldMs) * 1000,
    memoryBytesPerSecond: Math.max(...speeds.map(({ memoryBytesPerSecond }) => memoryBytesPerSecond)),
  };
}
