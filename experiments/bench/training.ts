/**
 * npm run bench -- training: milliseconds per step, GFLOP/s and the ratio to the sgemm peak measured in the same run,
 * for configurations A and B, on one thread and on two. Each number of threads has a process of its own, and they take
 * turns: a machine that gets slower for a while does so for both.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
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

/** What a round of steps measured. */
interface Round {
  /** Milliseconds of each step. */
  steps: number[];
  /** GFLOP/s of one thread, measured right after the steps. */
  peak: number;
}

const THREADS = [1, 2];
const WARM_UP_STEPS = 3;
const ROUNDS = 8;
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

/** Trains each configuration in this process, a round for every message of the parent. */
async function measureRounds(threads: number): Promise<void> {
  const training = await loadTraining({ threads });
  for (const { model: config, batch, context } of CONFIGURATIONS) {
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
    const take = async (count: number): Promise<number[]> => {
      const taken: number[] = [];
      while (taken.length < count) {
        const { value } = await points.next();
        taken.push((batch * context * 1000) / value!.tokensPerSecond);
      }
      return taken;
    };
    for (const count of [WARM_UP_STEPS, ...Array<number>(ROUNDS).fill(STEPS_A_ROUND)]) {
      await once(process, 'message');
      process.send!({ steps: await take(count), peak: training.measureSgemm() } satisfies Round);
    }
    await points.return(undefined);
    model.dispose();
  }
  process.disconnect();
}

/** The next round of a process. */
async function nextRound(child: ChildProcess): Promise<Round> {
  child.send('go on');
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`bench training: a process must measure to the end, but it ended with ${String(code)}.`);
  });
  const [round] = (await Promise.race([once(child, 'message'), ended])) as [Round];
  return round;
}

/** Runs the bench and prints the table. */
export async function benchTraining(): Promise<void> {
  const script = fileURLToPath(import.meta.url);
  const children = THREADS.map((threads) =>
    fork(script, [String(threads)], { execArgv: [], env: { ...ALLOCATOR_SETTINGS, ...process.env } }),
  );
  try {
    console.log('configuration  threads  ms/step  GFLOP/s  sgemm peak of one thread  ratio  to one thread');
    for (const configuration of CONFIGURATIONS) {
      const rounds = THREADS.map((): Round[] => []);
      for (const child of children) await nextRound(child); // warm-up
      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, child] of children.entries()) rounds[i].push(await nextRound(child));
      }
      printRows(configuration, rounds);
    }
  } finally {
    for (const child of children) child.kill();
  }
}

/** Medians over all rounds; times faster than one thread as the median of rounds that followed each other. */
function printRows(configuration: Configuration, rounds: Round[][]): void {
  for (const [i, own] of rounds.entries()) {
    const msPerStep = median(own.flatMap(({ steps }) => steps));
    const peak = median(own.map((round) => round.peak));
    const gflops = flopsPerStep(configuration) / msPerStep / 1e6;
    const faster = median(own.map(({ steps }, round) => median(rounds[0][round].steps) / median(steps)));
    console.log(
      `${configuration.name.padEnd(13)}  ${String(THREADS[i]).padStart(7)}  ${msPerStep.toFixed(0).padStart(7)}  ` +
        `${gflops.toFixed(1).padStart(7)}  ${peak.toFixed(1).padStart(24)}  ${(gflops / peak).toFixed(2).padStart(5)}  ` +
        faster.toFixed(2).padStart(13),
    );
  }
}

const [, script, threads] = process.argv;
if (script === fileURLToPath(import.meta.url) && threads !== undefined) await measureRounds(Number(threads));
