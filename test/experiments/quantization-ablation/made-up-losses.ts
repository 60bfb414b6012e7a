/** Losses of a made-up ablation whose truth is known. */
import { finishAll } from '../made-up-runs.js';
import { quantizationAblation } from '../../../experiments/quantization-ablation/experiment.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import type { Preset, RunSpec } from '../../../experiments/sweep/run-spec.js';

/** Rate that a made-up loss is lowest at, where it is not 0.012. */
const OPTIMA: Readonly<Record<string, number>> = {
  'weights-sign': 0.02,
  'full-precision': 0.006,
  'stability-full-precision': 0.006,
};

/** What an arm loses, by its name in the record; every other arm loses nothing. Null for one that diverges. */
export type Changes = Readonly<Record<string, number | null>>;

/** Nats by which a made-up run strays: about ±0.005. */
function noise({ arm, training }: RunSpec): number {
  const { seeds, schedule } = training;
  return 0.005 * Math.sin(97 * seeds.batches + 31 * arm.length + 7 * arm.charCodeAt(0) + 1e4 * schedule.peak);
}

/** The loss of a made-up run: a parabola in log₂(rate), a shift for each seed, and noise. */
export function lossWith(changes: Changes): (spec: RunSpec) => number | null {
  return (spec) => {
    const change = changes[spec.arm] ?? 0;
    if (changes[spec.arm] === null) return null;
    const { schedule, seeds } = spec.training;
    const octaves = Math.log2(schedule.peak / (OPTIMA[spec.arm] ?? 0.012));
    return 2 + change + 0.01 * (seeds.batches % 10) + noise(spec) + 0.05 * octaves ** 2;
  };
}

/** Every run of a preset. */
export function finishedWith(changes: Changes, preset: Preset = 'full'): FinishedRun[] {
  return finishAll(quantizationAblation, preset, lossWith(changes));
}
