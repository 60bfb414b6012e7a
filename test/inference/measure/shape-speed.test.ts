import { describe, expect, it } from 'vitest';
import { checkShape, type TransformerShape } from '../../../lib/papers/shapes.js';
import { measureShape } from '../../../lib/inference/measure/shape-speed.js';
import {
  fillShape,
  planShape,
  startShape,
  type WeightForm,
} from '../../../lib/inference/measure/synthetic-engine.js';
import { loadKernel, type KernelName } from '../../../lib/kernel/kernel.js';
import { MemoryError } from '../../../lib/kernel/memory.js';

/** Sizes that fill no block, like the 5,460 of the 1.3B model. */
const SMALL: TransformerShape = checkShape({
  name: 'small',
  hidden: 72,
  layers: 3,
  heads: 6,
  keyValueHeads: 2,
  headDim: 12,
  intermediate: 150,
  gated: true,
  vocabulary: 50,
  tied: false,
});

const FORMS: WeightForm[] = ['ternary', 'fp16', 'fp32'];

async function residualAndLogits(form: WeightForm, name: KernelName, threads: number): Promise<Float32Array> {
  const kernel = await loadKernel(name);
  const plan = planShape(SMALL, form, kernel, { threads });
  const engine = await startShape(plan, kernel, await fillShape(plan, kernel), threads);
  engine.step([7]);
  const { memory, network, head, team } = engine;
  network.finalNorm(0, 1, memory.headInput);
  head.all();
  const logits = new Float32Array(team.buffer.slice(memory.logits, memory.logits + 4 * SMALL.vocabulary));
  const residual = new Float32Array(team.buffer.slice(memory.residual, memory.residual + 4 * SMALL.hidden));
  await team.close();
  return Float32Array.of(...residual, ...logits);
}

describe('the synthetic engine', () => {
  it.each(FORMS)('computes what the plain reference computes, in %s', async (form) => {
    const expected = await residualAndLogits(form, 'reference', 1);
    const ours = await residualAndLogits(form, 'relaxed', 2);
    expect(expected.some((value) => Math.abs(value) > 0.01)).toBe(true);
    const largest = Math.max(...expected.map(Math.abs));
    ours.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-4 * largest));
  });

  it('holds fewer layers where not all fit, and refuses before allocating where not one does', async () => {
    const kernel = await loadKernel('auto');
    const all = planShape(SMALL, 'fp16', kernel);
    expect(all.layersHeld).toBe(3);
    const fewer = planShape(SMALL, 'fp16', kernel, { memoryBytes: all.memory.bytes.total - 1 });
    expect(fewer.layersHeld).toBe(2);
    const build = (): unknown => planShape(SMALL, 'fp16', kernel, { memoryBytes: 70_000 });
    expect(build).toThrow(MemoryError);
    expect(build).toThrow('one layer of small in fp16');
  });

  it('refuses heads that do not go together', async () => {
    const kernel = await loadKernel('auto');
    expect(() => planShape({ ...SMALL, keyValueHeads: 4 }, 'fp16', kernel)).toThrow(
      'heads must be a multiple',
    );
  });
});

describe('measureShape', () => {
  it('gives times and bytes of all layers, for each number of threads', async () => {
    const said: string[] = [];
    const [one, two] = await measureShape(SMALL, ['ternary'], {
      threads: [1, 2],
      rounds: 1,
      onProgress: (next) => said.push(next),
    });
    const measuring = 'ternary: measuring, round 1 of 1';
    expect(said).toEqual(['ternary: making up 3 of 3 layers', measuring, measuring]);
    expect([one.threads, two.threads]).toEqual([1, 2]);
    expect(one.layersMeasured).toBe(3);
    expect(one.layersMs).toBeGreaterThan(0);
    expect(one.layersBytes).toBeGreaterThan(one.formulaBytes);
  });
});
