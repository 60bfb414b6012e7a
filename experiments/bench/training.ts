/**
 * npm run bench -- training [--torch PYTHON]: milliseconds of a training step, eager and as one call, which take turns
 * in one process, on one thread and on two, and the ratio of their processor times; GFLOP/s and their ratio to the sgemm
 * peak measured in the same run. With the path of a Python that has PyTorch, its eager step of the same model takes its
 * turn too.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  ALLOCATOR_SETTINGS,
  loadTraining,
  median,
  type TrainableModel,
  type Training,
  type TrainingPoint,
} from '@bitnet-notebooks/lib';
import { measuredApart } from '../record/measured.js';
import { syntheticCorpus } from './synthetic-corpus.js';
import { BENCH_SIZES, flopsPerStep, type BenchSize } from './training-sizes.js';

/** What one process measured of one size. */
interface Measurement {
  /** Median of the steps in each form, by the clock. */
  eager: number;
  compiled: number;
  /** Eager / one call by the processor's time, in which other work on the machine counts for little. */
  cpuRatio: number;
  /** GFLOP/s of a large product on one thread, right before the steps and right after. */
  peaks: number[];
}

const THREADS = [1, 2];
const ROUNDS = 3;
/** The first steps of a run record the graph and try it. */
const WARM_UP_STEPS = 6;
/** Steps of one form before the other's turn, and turns of each. */
const STEPS_AT_ONCE = 5;
const TURNS = 5;

const PYTORCH = fileURLToPath(new URL('../../bench/torch_training.py', import.meta.url));
const SCRIPT = fileURLToPath(import.meta.url);

/** A run in one form that never ends by itself. */
class EndlessRun {
  readonly milliseconds: number[] = [];
  /** Of the processor, all measured steps together. */
  cpuMicroseconds = 0;
  readonly #size: BenchSize;
  readonly #model: TrainableModel;
  readonly #points: AsyncGenerator<TrainingPoint, void, undefined>;

  constructor(training: Training, size: BenchSize, form: 'compiled' | 'eager') {
    const { model, batch, context } = size;
    const steps = 1e6;
    const rates = { peak: 1e-3, minimum: 1e-4, warmupSteps: 1, totalSteps: steps, weightDecay: 0.1 };
    const options = {
      steps,
      batch,
      context,
      schedule: { kind: 'cosine', ...rates },
      evaluateEvery: steps,
      validationWindows: 1,
      seeds: { weights: 1, batches: 1 },
    } as const;
    this.#size = size;
    this.#model = training.createModel(model, 1);
    this.#points = training.train(this.#model, syntheticCorpus(model.vocab_size), options, { form });
  }

  /** @param isMeasured whether the steps count */
  async advance(steps: number, isMeasured: boolean): Promise<void> {
    const { batch, context } = this.#size;
    const before = process.cpuUsage();
    for (let i = 0; i < steps; i++) {
      const { value } = await this.#points.next();
      if (value && isMeasured) this.milliseconds.push((batch * context * 1000) / value.tokensPerSecond);
    }
    const { user, system } = process.cpuUsage(before);
    if (isMeasured) this.cpuMicroseconds += user + system;
  }

  async dispose(): Promise<void> {
    await this.#points.return();
    this.#model.dispose();
  }
}

/** Every size in this process, the forms in turns. */
async function measure(threads: number): Promise<Measurement[]> {
  const training = await loadTraining({ threads });
  const measured: Measurement[] = [];
  for (const size of BENCH_SIZES) {
    const { note } = training.backend;
    const [eager, compiled] = (['eager', 'compiled'] as const).map(
      (form) => new EndlessRun(training, size, form),
    );
    for (const run of [eager, compiled]) await run.advance(WARM_UP_STEPS, false);
    if (training.backend.note !== note) {
      throw new Error(
        `bench training: a step of ${size.name} must be one call, got eager ones: ${training.backend.note}`,
      );
    }
    const peaks = [training.measureSgemm()];
    for (let turn = 0; turn < TURNS; turn++) {
      for (const run of [eager, compiled]) await run.advance(STEPS_AT_ONCE, true);
    }
    peaks.push(training.measureSgemm());
    for (const run of [eager, compiled]) await run.dispose();
    measured.push({
      eager: median(eager.milliseconds),
      compiled: median(compiled.milliseconds),
      cpuRatio: eager.cpuMicroseconds / compiled.cpuMicroseconds,
      peaks,
    });
  }
  return measured;
}

/** The same in a process of its own, since TensorFlow fixes the threads at its start. */
function measureApart(threads: number): Measurement[] {
  return measuredApart(
    `${threads} threads`,
    [process.execPath, SCRIPT, String(threads)],
    ALLOCATOR_SETTINGS,
  ) as Measurement[];
}

/** Median milliseconds of PyTorch's eager step for every size. */
function measurePyTorch(python: string, threads: number): number[] {
  const sizes = BENCH_SIZES.map(({ model, batch, context }) => ({ ...model, batch, context }));
  return measuredApart(
    'PyTorch',
    [python, PYTORCH, String(threads), JSON.stringify(sizes)],
    ALLOCATOR_SETTINGS,
  ) as number[];
}

/** What one round measured with so many threads, by size. */
interface Round {
  own: Measurement[];
  /** Milliseconds of PyTorch's eager step. */
  pyTorch?: number[];
}

/** Runs the bench: prints each round as it ends, and the medians of all as a table. */
export function benchTraining(args: string[]): void {
  const { torch } = parseArgs({ args, options: { torch: { type: 'string' } } }).values;
  const rounds = THREADS.map((): Round[] => []);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [t, threads] of THREADS.entries()) {
      const own = measureApart(threads);
      const pyTorch = torch === undefined ? undefined : measurePyTorch(torch, threads);
      rounds[t].push({ own, pyTorch });
      const ratios = own.map((one) => (one.eager / one.compiled).toFixed(2));
      const others = pyTorch?.map((ms, s) => (ms / own[s].compiled).toFixed(2));
      console.log(
        `Round ${round} of ${ROUNDS}, threads ${threads}: eager / one call ${ratios.join(' ')}` +
          (others ? `, PyTorch / one call ${others.join(' ')}` : ''),
      );
    }
  }
  console.log(
    '\n| size | threads | eager, ms | one call, ms | eager / one call | by the processor | GFLOP/s | to the sgemm peak |' +
      (torch === undefined ? '' : ' PyTorch eager, ms | PyTorch / one call |'),
  );
  console.log(`|---|---|---|---|---|---|---|---|${torch === undefined ? '' : '---|---|'}`);
  for (const [s, size] of BENCH_SIZES.entries()) {
    for (const [t, threads] of THREADS.entries())
      console.log(`| ${[size.name, threads, ...cells(size, s, rounds[t])].join(' | ')} |`);
  }
}

/** Medians of the rounds for the size at `index`. */
function cells(size: BenchSize, index: number, rounds: readonly Round[]): string[] {
  const own = rounds.map((round) => round.own[index]);
  const compiled = median(own.map((one) => one.compiled));
  const gflops = flopsPerStep(size) / compiled / 1e6;
  const pyTorch = rounds.flatMap((round) => round.pyTorch?.[index] ?? []);
  return [
    median(own.map((one) => one.eager)).toFixed(1),
    compiled.toFixed(1),
    median(own.map((one) => one.eager / one.compiled)).toFixed(2),
    median(own.map(({ cpuRatio }) => cpuRatio)).toFixed(2),
    gflops.toFixed(1),
    (gflops / median(own.flatMap(({ peaks }) => peaks))).toFixed(2),
    ...(pyTorch.length === 0
      ? []
      : [
          median(pyTorch).toFixed(1),
          median(pyTorch.map((ms, round) => ms / own[round].compiled)).toFixed(2),
        ]),
  ];
}

const [, script, threads] = process.argv;
if (script === SCRIPT && threads !== undefined) console.log(JSON.stringify(await measure(Number(threads))));
