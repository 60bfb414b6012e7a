/** npm run bench -- sweep: runs per hour of a sweep with one worker and with two. */
import { BITNET_B158, median } from '@bitnet-notebooks/lib';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalEngine } from '../sweep/engines/local.js';
import type { Experiment } from '../sweep/experiment.js';
import type { RunSpec } from '../sweep/run-spec.js';
import { zipfSweep } from '../sizes/sweeps.js';
import { modelOf } from '../sizes/size-sweep.js';
import { sweep } from '../sweep/sweep.js';

/** A size in the middle of the scaling law, 0.1 M parameters, for an eighth of its steps. */
const SHAPE = { width: 64, layers: 2 };
const STEPS = 64;

/** Runs of a measurement, and measurements of each number of workers, taken in turns. */
const RUNS = 6;
const ROUNDS = 3;

/** Runs that differ in their seeds alone. */
function equalRuns(firstSeed: number, count: number): Experiment {
  const { batch, context, corpus, ...rest } = zipfSweep('full');
  const model = modelOf({ batch, context, corpus, ...rest }, SHAPE, BITNET_B158);
  const schedule = {
    kind: 'cosine',
    peak: 4e-3,
    minimum: 0,
    warmupSteps: 6,
    totalSteps: STEPS,
    weightDecay: 0,
  } as const;
  const runs = Array.from({ length: count }, (_, i): RunSpec => {
    const seed = firstSeed + i;
    const seeds = { weights: seed, batches: seed };
    const training = {
      steps: STEPS,
      batch,
      context,
      schedule,
      evaluateEvery: STEPS,
      validationWindows: 64,
      seeds,
    };
    return {
      name: `equal-${seed}`,
      arm: 'equal',
      role: 'final',
      corpus,
      model,
      training,
      finalWindows: 1024,
    };
  });
  return { name: 'sweep-bench', title: 'equal runs', runs: () => runs, table: () => [] };
}

/** Seconds of a sweep over equal runs; nothing of it is kept. */
async function secondsOf(engine: LocalEngine, firstSeed: number, count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'sweep-bench-'));
  const started = performance.now();
  try {
    for await (const event of sweep(equalRuns(firstSeed, count), 'full', { engine, folder })) {
      if (event.kind === 'failed') throw event.error;
    }
    return (performance.now() - started) / 1000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Prints the table. Workers are started and warm before anything is timed. */
export async function benchSweep(): Promise<void> {
  const engines = [new LocalEngine(1), new LocalEngine(2)];
  const seconds = engines.map((): number[] => []);
  try {
    for (const engine of engines) await secondsOf(engine, 1, engine.slots);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, engine] of engines.entries()) {
        seconds[i].push(await secondsOf(engine, 1 + RUNS * (round + 1), RUNS));
      }
    }
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
  }
  const perHour = seconds.map((times) => (3600 * RUNS) / median(times));
  console.log(
    `${STEPS} steps of ${SHAPE.layers} × ${SHAPE.width} a run, one thread a worker, ${availableParallelism()} cores`,
  );
  console.log('| workers | runs per hour | s a round | to one worker |\n|---|---|---|---|');
  for (const [i, { slots }] of engines.entries()) {
    const rounds = seconds[i].map((one) => one.toFixed(1)).join(', ');
    console.log(
      `| ${slots} | ${perHour[i].toFixed(0)} | ${rounds} | ${(perHour[i] / perHour[0]).toFixed(2)} |`,
    );
  }
}
