/**
 * npm run bench -- training: milliseconds per step, GFLOP/s and the ratio to the sgemm peak measured in the same run,
 * for configurations A and B. Every number of threads runs in a process of its own, since TensorFlow fixes it at start.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_SETTINGS, loadTraining, parseModelConfig, type ModelConfig } from '@bitnet-notebooks/lib';
import { configurationA } from '../bitlm.js';
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

/** What one process measured. */
interface Measurement {
  name: string;
  threads: number;
  msPerStep: number;
  gflops: number;
  peakGflops: number;
}

const WARM_UP_STEPS = 3;
const ROUNDS = 5;
const STEPS_A_ROUND = 5;

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

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Measures every configuration in this process. Steps and sgemm take turns, so that both see the same machine. */
async function measure(threads: number): Promise<Measurement[]> {
  const training = await loadTraining({ threads });
  const measured: Measurement[] = [];
  for (const configuration of CONFIGURATIONS) {
    const { name, model: config, batch, context } = configuration;
    const model = training.createModel(config, 1);
    const steps = WARM_UP_STEPS + ROUNDS * STEPS_A_ROUND;
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
    const stepMs: number[] = [];
    const peaks: number[] = [];
    for await (const { step, tokensPerSecond } of points) {
      if (step <= WARM_UP_STEPS) continue;
      stepMs.push((batch * context * 1000) / tokensPerSecond);
      if ((step - WARM_UP_STEPS) % STEPS_A_ROUND === 0) peaks.push(training.measureSgemm());
    }
    model.dispose();
    const msPerStep = median(stepMs);
    const gflops = flopsPerStep(configuration) / msPerStep / 1e6;
    measured.push({ name, threads, msPerStep, gflops, peakGflops: median(peaks) });
  }
  return measured;
}

/** Runs the bench in one process for each number of threads and prints the table. */
export function benchTraining(): void {
  const rows = [1, 2].flatMap((threads) => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), String(threads)],
      {
        encoding: 'utf8',
        env: { ...ALLOCATOR_SETTINGS, ...process.env },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    if (status !== 0)
      throw new Error(`bench training: the process with ${threads} threads ended with ${status}.`);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Measurement[];
  });
  console.log('configuration  threads  ms/step  GFLOP/s  sgemm peak  ratio');
  for (const { name, threads, msPerStep, gflops, peakGflops } of rows) {
    console.log(
      `${name.padEnd(13)}  ${String(threads).padStart(7)}  ${msPerStep.toFixed(0).padStart(7)}  ` +
        `${gflops.toFixed(1).padStart(7)}  ${peakGflops.toFixed(1).padStart(10)}  ${(gflops / peakGflops).toFixed(2).padStart(5)}`,
    );
  }
  for (const { name } of CONFIGURATIONS) {
    const [one, two] = [1, 2].map(
      (n) => rows.find((row) => row.name === name && row.threads === n)!.msPerStep,
    );
    console.log(`${name}: two threads are ${(one / two).toFixed(2)} times as fast as one`);
  }
}

const [, script, threads] = process.argv;
if (script === fileURLToPath(import.meta.url) && threads !== undefined) {
  console.log(JSON.stringify(await measure(Number(threads))));
}
