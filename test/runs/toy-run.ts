/** A run without a network: its "loss" depends on every step before, so a single lost or repeated step shows. */
import { openRun } from '../../lib/runs/open-run.js';
import type { RunCheckpoint } from '../../lib/runs/run-checkpoint.js';
import type { RunConfig } from '../../lib/runs/run-config.js';

export const TOY_STEPS = 60;
const WEIGHTS = 20_000;

export const TOY_CONFIG: RunConfig = {
  model: {
    vocab_size: 16,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    hidden_act: 'relu2',
    max_position_embeddings: 64,
    initializer_range: 0.02,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
  },
  training: { batch: 12, schedule: { kind: 'cosine', peak: 0.001 } },
  seeds: { weights: 1, batches: 2 },
  data: { name: 'toy', sha256: 'ab'.repeat(32) },
  backend: { name: 'wasm', version: '4.22.0', threads: 1 },
  versions: { node: 'v20', project: '0.1.0', packages: {} },
};

export interface ToyPoint {
  step: number;
  loss: number;
}

/** A checkpoint with one small tensor that holds `step`. */
export function checkpointAt(step: number): RunCheckpoint {
  return {
    step,
    state: { seen: step },
    tensors: [{ name: 'w', shape: [2, 2], data: new Float32Array(4).fill(step) }],
  };
}

/** Runs from where the folder stands to the end: a point every step, a checkpoint every 7, `pause` ms a step. */
export async function toyRun(folder: string, pause = 0, onStep?: (step: number) => void): Promise<void> {
  const run = await openRun<ToyPoint>(folder, TOY_CONFIG);
  const checkpoint = await run.loadCheckpoint();
  const weights = checkpoint?.tensors.get('weights')?.data ?? new Float32Array(WEIGHTS).fill(1);
  let random = (checkpoint?.state as { random: number } | undefined)?.random ?? 1;
  for (let step = (checkpoint?.step ?? 0) + 1; step <= TOY_STEPS; step++) {
    random = (random * 48_271) % 2_147_483_647;
    weights[random % WEIGHTS] += random / 2_147_483_647;
    await run.append({ step, loss: weights.reduce((sum, w) => sum + w, 0) / step });
    if (step % 7 === 0) {
      const tensors = [{ name: 'weights', shape: [WEIGHTS], data: weights }];
      await run.saveCheckpoint({ step, state: { random }, tensors });
    }
    onStep?.(step);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  await run.complete();
  await run.close();
}
