/**
 * npm run bench -- training: milliseconds per step, GFLOP/s and the ratio to the sgemm peak measured in the same run,
 * for configurations A and B, on one thread and on two. Each measurement has a process of its own, and the numbers of
 * threads take turns: a machine that gets slower for a while does so for both.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  ALLOCATOR_SETTINGS,
  loadTraining,
  median,
  parseModelConfig,
  type ModelConfig,
} from '@bitnet-notebooks/lib';
import { configurationA } from '../sweep/configurations.js';
import { syntheticCorpus } from './synthetic-corpus.js';

interface Configuration {
  name: string;
  model: ModelConfig;
  batch: number;
  context: number;
}

const TERNARY = {
  quant_method: 'bitnet',
  linear_class: 'autobitlinear',
  quantization_mode: 'online',
} as const;

/** A is the recorded runs' own; B is larger: 6 layers, 192 wide, context 128, batch 16, 2.7 M parameters. */
const CONFIGURATIONS: Configuration[] = [
  { name: 'A', model: configurationA(true), batch: 12, context: 64 },
  {
    name: 'B',
    model: parseModelConfig({
      vocab_size: 65,
      hidden_size: 192,
      intermediate_size: 512,
      num_hidden_layers: 6,
      num_attention_heads: 6,
      max_position_embeddings: 128,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      quantization_config: TERNARY,
    }),
    batch: 16,
    context: 128,
  },
];

/** What one process measured of one configuration. */
interface Measurement {
  /** Median of the steps. */
  msPerStep: number;
  /** GFLOP/s of a large product on one thread, right before the steps and right after. */
  peaks: number[];
}

const THREADS = [1, 2];
const ROUNDS = 3;
const WARM_UP_STEPS = 4;
const STEPS = 20;

/**
 * Floating-point operations of one step: forward and backward (three products for each one forward) of the linear
 * layers, the output matrix and full-square attention. Norms, quantizers and the optimizer are not counted: that they
 * cost time is what the ratio shows.
 */
export function flopsPerStep({
  model,
  batch,
  context,
}: Pick<Configuration, 'model' | 'batch' | 'context'>): number {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim } = model;
  const queries = model.num_attention_heads * headDim;
  const keys = model.num_key_value_heads * headDim;
  const layer = 2 * hidden * queries + 2 * hidden * keys + 3 * hidden * inner;
  const attention = 2 * context * queries;
  const perToken = model.num_hidden_layers * (layer + attention) + model.vocab_size * hidden;
  return 6 * batch * context * perToken;
}

/** Trains each configuration in this process. */
async function measure(threads: number): Promise<Measurement[]> {
  const training = await loadTraining({ threads });
  const measured: Measurement[] = [];
  for (const { model: config, batch, context } of CONFIGURATIONS) {
    const model = training.createModel(config, 1);
    const steps = WARM_UP_STEPS + STEPS;
    const points = training.train(model, syntheticCorpus(config.vocab_size), {
      steps,
      batch,
      context,
      schedule: {
        kind: 'cosine',
        peak: 1e-3,
        minimum: 1e-4,
        warmupSteps: 1,
        totalSteps: steps,
        weightDecay: 0.1,
      },
      evaluateEvery: steps,
      validationWindows: 1,
      seeds: { weights: 1, batches: 1 },
    });
    const peaks = [training.measureSgemm()];
    const stepMs: number[] = [];
    for await (const { step, tokensPerSecond } of points) {
      if (step > WARM_UP_STEPS) stepMs.push((batch * context * 1000) / tokensPerSecond);
    }
    peaks.push(training.measureSgemm());
    model.dispose();
    measured.push({ msPerStep: median(stepMs), peaks });
  }
  return measured;
}

/** The same in a process of its own, since TensorFlow fixes the threads at its start. */
function measureApart(threads: number): Measurement[] {
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, String(threads)], {
    encoding: 'utf8',
    env: { ...ALLOCATOR_SETTINGS, ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0)
    throw new Error(`bench training: the process with ${threads} threads ended with ${status}.`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Measurement[];
}

/** Runs the bench and prints the table: medians of the rounds. */
export function benchTraining(): void {
  const rounds = Array.from({ length: ROUNDS }, () => THREADS.map(measureApart));
  console.log('configuration  threads  ms/step  GFLOP/s  sgemm peak of one thread  ratio  to one thread');
  for (const [c, configuration] of CONFIGURATIONS.entries()) {
    for (const [t, threads] of THREADS.entries()) {
      const own = rounds.map((round) => round[t][c]);
      const msPerStep = median(own.map((one) => one.msPerStep));
      const peak = median(own.flatMap(({ peaks }) => peaks));
      const gflops = flopsPerStep(configuration) / msPerStep / 1e6;
      const faster = median(rounds.map((round) => round[0][c].msPerStep / round[t][c].msPerStep));
      console.log(
        `${configuration.name.padEnd(13)}  ${String(threads).padStart(7)}  ${msPerStep.toFixed(0).padStart(7)}  ` +
          `${gflops.toFixed(1).padStart(7)}  ${peak.toFixed(1).padStart(24)}  ${(gflops / peak).toFixed(2).padStart(5)}  ` +
          faster.toFixed(2).padStart(13),
      );
    }
  }
}

const SCRIPT = fileURLToPath(import.meta.url);
const [, script, threads] = process.argv;
if (script === SCRIPT && threads !== undefined) console.log(JSON.stringify(await measure(Number(threads))));
