/** Decoding at the papers' shapes: time and memory of all layers in three forms of weights, on one kernel. */
import { linearWeights, type TransformerShape } from '../analysis/shapes.js';
import { loadKernel, type KernelChoice, type KernelName } from '../kernel/kernel.js';
import { measureSpeed, type Speed } from './speed.js';
import { fillShape, planShape, startShape, type WeightForm } from './synthetic-engine.js';

export interface ShapeSpeedOptions {
  /** One measurement for each number of threads. Default [1]. */
  threads?: readonly number[];
  kernel?: KernelChoice;
  /** Rounds of three; each figure is the best of their medians, since other programs can only slow it. Default 3. */
  rounds?: number;
  /** Most memory to use; by default what there is, at most what WebAssembly can address. */
  memoryBytes?: number;
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
export const FORM_BITS: Readonly<Record<WeightForm, number>> = { ternary: 2, fp16: 16, fp32: 32 };

/**
 * Measures one token through all layers of a shape, on made-up weights. Where not all layers fit, as many as do are
 * measured, and the result says so.
 * @throws MemoryError, before anything is allocated, where not one layer fits
 */
export async function measureShape(
  shape: TransformerShape,
  form: WeightForm,
  { threads = [1], kernel: choice = 'auto', rounds = 3, memoryBytes }: ShapeSpeedOptions = {},
): Promise<ShapeSpeed[]> {
  const kernel = await loadKernel(choice);
  const plan = planShape(shape, form, kernel, { threads: Math.max(...threads), memoryBytes });
  const wasm = await fillShape(plan, kernel);
  const results: ShapeSpeed[] = [];
  for (const count of threads) {
    const engine = await startShape(plan, kernel, wasm, count);
    try {
      const speeds: Speed[] = [];
      for (let round = 0; round < rounds; round++)
        speeds.push(await measureSpeed(engine, { contextTokens: 1, repeats: 3 }));
      const layersMs = Math.min(...speeds.map(({ layers }) => layers.ms));
      const scale = shape.layers / plan.layersHeld;
      results.push({
        shape: shape.name,
        form,
        kernel: kernel.name,
        threads: count,
        layersMeasured: plan.layersHeld,
        layers: shape.layers,
        layersMs: layersMs * scale,
        headMs: Math.min(...speeds.map(({ head }) => head.ms)),
        layersBytes: plan.memory.bytes.weights * scale,
        embeddingBytes: plan.memory.bytes.embedding,
        formulaBytes: (linearWeights(shape) * FORM_BITS[form]) / 8,
        bytesPerSecond: (plan.memory.bytes.weights / layersMs) * 1000,
        memoryBytesPerSecond: Math.max(...speeds.map((speed) => speed.memoryBytesPerSecond)),
      });
    } finally {
      await engine.team.close();
    }
  }
  return results;
}
