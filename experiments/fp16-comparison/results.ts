/** Weights quantized after training beside weights trained quantized: BitNet's Table 3 with our models in it. */
import { LEVEL_BITS, meanInterval, type Estimate, type LevelBits } from '@bitnet-notebooks/lib';
import { bySeed, commonSeeds } from '../sweep/by-seed.js';
import { requireOneVersion } from '../sweep/versions.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';

/** Methods, as in the names of evaluations/post-training.ts, and in words. */
export const PTQ_METHODS = {
  'absmax-tensor': 'absmax, per tensor',
  'absmax-channel': 'absmax, per channel',
  'absmean-tensor': 'absmean, per tensor',
  'absmean-channel': 'absmean, per channel',
  'gptq-absmax': 'GPTQ on absmax',
  'gptq-absmean': 'GPTQ on absmean',
} as const;
export type PtqMethod = keyof typeof PTQ_METHODS;

/** One cell: a method at a width. */
export interface PtqCell {
  method: PtqMethod;
  bits: LevelBits;
  /** Bits of the activations: 16 stands for not quantized. */
  activationBits: 8 | 16;
  /** Over the seeds, nats per token. */
  loss: Estimate;
  /** Loss − that of the unquantized model of the same seed, one for each seed. */
  costs: number[];
}

export interface PostTraining {
  /** The model that was quantized, on the same part of the text as the cells; with int8 activations too. */
  unquantized: Estimate;
  unquantizedInt8: Estimate;
  cells: PtqCell[];
  /** Trained at the same shape, over the whole validation text. */
  trained: { b1: Estimate; b158: Estimate; full: Estimate };
  /** Trained quantized − trained in full precision, one for each seed. */
  trainedCosts: { b1: number[]; b158: number[] };
}

/**
 * What the runs measured, over the seeds that have a final run of all three arms; undefined while there is none. A
 * full-precision run that diverged left no model to quantize, nor one to compare with: its seed is left out.
 * @throws Error that says which command makes them, where the runs are there and their measurements are not
 */
export function postTrainingOf(finished: readonly FinishedRun[]): PostTraining | undefined {
  const finals = (arm: string): FinishedRun[] =>
    finished.filter((run) => run.role === 'final' && run.arm === arm);
  const trained = finals('ptq-full-precision').filter((run) => lossOf(run) < Infinity);
  const arms = [trained, finals('ptq-b1'), finals('ptq-b1.58')].map(bySeed);
  const seeds = commonSeeds(arms);
  if (seeds.length === 0) return undefined;
  requireOneVersion(
    'post-training table',
    arms.flatMap((arm) => [...arm.values()]),
  );
  const [full, ...quantized] = arms.map((arm) => seeds.map((seed) => arm.get(seed)!));
  const [b1, b158] = quantized.map(losses);
  const unquantized = measured(full, 'ptq-none-w16-a16');
  return {
    unquantized: meanInterval(unquantized),
    unquantizedInt8: meanInterval(measured(full, 'ptq-none-w16-a8')),
    cells: LEVEL_BITS.flatMap((bits) =>
      (Object.keys(PTQ_METHODS) as PtqMethod[]).flatMap((method) =>
        ([16, 8] as const).map((activationBits) => {
          const values = measured(full, `ptq-${method}-w${bits}-a${activationBits}`);
          const costs = differences(values, unquantized);
          return { method, bits, activationBits, loss: meanInterval(values), costs };
        }),
      ),
    ),
    trained: { b1: meanInterval(b1), b158: meanInterval(b158), full: meanInterval(losses(full)) },
    trainedCosts: { b1: differences(b1, losses(full)), b158: differences(b158, losses(full)) },
  };
}

function losses(runs: readonly FinishedRun[]): number[] {
  return runs.map(lossOf);
}

function measured(runs: readonly FinishedRun[], name: string): number[] {
  return runs.map((run) => {
    const value = run.measured?.[name];
    if (value !== undefined) return value;
    throw new Error(
      `post-training table: run ${run.name} must have measured ${name}, and has not. ` +
        'Make it: npm run experiment -- fp16-comparison --preset full --record',
    );
  });
}

/** Seed by seed. */
function differences(values: readonly number[], reference: readonly number[]): number[] {
  return values.map((value, seed) => value - reference[seed]);
}

/** The best cell at a width. */
export function bestAt(
  { cells }: PostTraining,
  bits: LevelBits,
  activationBits: 8 | 16,
  methods: readonly PtqMethod[] = Object.keys(PTQ_METHODS) as PtqMethod[],
): PtqCell {
  const candidates = cells.filter(
    (cell) => cell.bits === bits && cell.activationBits === activationBits && methods.includes(cell.method),
  );
  return candidates.toSorted((a, b) => a.loss.value - b.loss.value)[0];
}
