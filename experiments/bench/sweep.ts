/**
 * npm run bench -- sweep: runs per hour of a sweep, with eager steps and with steps that are one call of TensorFlow, on
 * one worker and on two. The runs are as long as those that tune the ablation's learning rates: 2 × 64, 600 steps, with 20 evaluations.
 */
import { median } from '@bitnet-notebooks/lib';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findArm } from '../quantization-ablation/arms.js';
import { ablationModel } from '../quantization-ablation/blocks.js';
import { ablationTraining } from '../quantization-ablation/training.js';
import { LocalEngine } from '../sweep/engines/local.js';
import type { Experiment } from '../sweep/experiment.js';
import type { RunSpec } from '../sweep/run-spec.js';
import { sweep } from '../sweep/sweep.js';

const STEPS = 600;
const FINAL_WINDOWS = 512;

/** Runs of a measurement, and measurements of each engine, taken in turns. */
const RUNS = 4;
const ROUNDS = 3;

/** Runs that differ in their seeds alone. */
function equalRuns(firstSeed: number, count: number): Experiment {
  const arm = findArm('b1.58');
  const runs = Array.from({ length: count }, (_, i): RunSpec => ({
    name: `equal-${firstSeed + i}`,
    arm: arm.name,
    role: 'final',
    corpus: { name: 'tiny-shakespeare' },
    model: ablationModel(arm),
    training: ablationTraining(arm, 6e-3, STEPS, firstSeed + i, false),
    finalWindows: FINAL_WINDOWS,
  }));
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
  const forms = ['eager', 'compiled'] as const;
  const engines = [1, 2].flatMap((slots) =>
    forms.map((form) => ({ form, engine: new LocalEngine(slots, form), seconds: [] as number[] })),
  );
  try {
    for (const { engine } of engines) await secondsOf(engine, 1, engine.slots);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { engine, seconds } of engines)
        seconds.push(await secondsOf(engine, 1 + RUNS * (round + 1), RUNS));
    }
  } finally {
    await Promise.all(engines.map(({ engine }) => engine.close()));
  }
  console.log(
    `${STEPS} steps of the ablation's b1.58 a run, one thread a worker, ${availableParallelism()} cores`,
  );
  console.log(
    '| workers | steps | runs per hour | s a round | to eager | to one worker |\n|---|---|---|---|---|---|',
  );
  const perHour = (seconds: readonly number[]): number => (3600 * RUNS) / median(seconds);
  for (const [i, { form, engine, seconds }] of engines.entries()) {
    const own = perHour(seconds);
    const cells = [
      engine.slots,
      form === 'eager' ? 'eager' : 'one call',
      own.toFixed(0),
      seconds.map((one) => one.toFixed(1)).join(', '),
      (own / perHour(engines[i - (i % forms.length)].seconds)).toFixed(2),
      (own / perHour(engines[i % forms.length].seconds)).toFixed(2),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
