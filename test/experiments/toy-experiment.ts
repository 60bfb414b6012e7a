/** A small experiment for tests and, started as a process of its own, its sweep, which can be killed. */
import { LocalEngine } from '../../experiments/sweep/engines/local.js';
import type { Experiment } from '../../experiments/sweep/experiment.js';
import type { RunSpec } from '../../experiments/sweep/run-spec.js';
import { sweep } from '../../experiments/sweep/sweep.js';
import { tuneRate } from '../../experiments/sweep/tuning.js';
import { parseModelConfig } from '../../lib/config.js';

const model = parseModelConfig({
  vocab_size: 16,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 12,
  tie_word_embeddings: true,
  quantization_config: { quant_method: 'bitnet', linear_class: 'autobitlinear', quantization_mode: 'online' },
});

/** A run on a language of 16 tokens; some milliseconds a step. */
export function toyRun(name: string, steps: number, peak: number, seed: number): RunSpec {
  return {
    name,
    arm: 'toy',
    role: 'final',
    corpus: { name: 'zipf-facts', vocabSize: 16 },
    model,
    training: {
      steps,
      batch: 4,
      context: 12,
      schedule: { kind: 'cosine', peak, minimum: 0, warmupSteps: 5, totalSteps: steps, weightDecay: 0 },
      evaluateEvery: 20,
      checkpointEvery: 10,
      validationWindows: 8,
      seeds: { weights: seed, batches: seed },
    },
    finalWindows: 64,
  };
}

/** Three tuning runs, then two final ones at the best rate. */
export const toyExperiment: Experiment = {
  name: 'toy',
  title: 'An experiment for tests',
  runs(_, finished) {
    const tuned = tuneRate([2e-3, 4e-3, 8e-3], (peak) => tuningRun(peak), finished, 0);
    const { best } = tuned;
    if (best === undefined) return tuned.runs;
    return [...tuned.runs, ...[1, 2].map((seed) => toyRun(`toy-seed${seed}`, 120, best, seed))];
  },
  table: (finished) => finished.map(({ name, validationLoss }) => `${name} ${validationLoss}`),
};

function tuningRun(peak: number): RunSpec {
  return { ...toyRun(`toy-lr${peak}`, 60, peak, 9), role: 'tune' };
}

// node … toy-experiment.ts FOLDER WORKERS: runs the sweep in FOLDER and prints its events.
const [, , folder, workers] = process.argv;
if (folder !== undefined && workers !== undefined && process.argv.length === 4) {
  const engine = new LocalEngine(Number(workers));
  for await (const { kind, id } of sweep(toyExperiment, 'smoke', { engine, folder })) console.log(kind, id);
  await engine.close();
}
