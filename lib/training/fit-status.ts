/** What `fit` says of a run, in a line. */
import type { TrainingPoint } from './types.js';

/** Steps that the speed is taken over. */
const SPEED_STEPS = 10;

/** Where a run stands, in a line: `step 36 of 1,000 · 2 min 10 s left · loss 2.53 · validation 2.61 · 5,780 tokens/s`. */
export function status(points: readonly TrainingPoint[], steps: number): string {
  const { step, seconds } = points.at(-1)!;
  const left = duration((seconds / step) * (steps - step));
  return `step ${grouped(step)} of ${grouped(steps)} · ${left} left · ${measured(points)}`;
}

/** Where a run has ended: `stopped at step 36 of 1,000 · 5 s · loss 2.53 · …`. */
export function finalStatus(points: readonly TrainingPoint[], steps: number): string {
  const { step, seconds } = points.at(-1)!;
  const ended = step < steps ? 'stopped at step' : 'step';
  return `${ended} ${grouped(step)} of ${grouped(steps)} · ${duration(seconds)} · ${measured(points)}`;
}

function measured(points: readonly TrainingPoint[]): string {
  const { trainLoss } = points.at(-1)!;
  const validation = points.findLast(({ validationLoss }) => validationLoss !== undefined)?.validationLoss;
  return [
    `loss ${trainLoss.toFixed(3)}`,
    ...(validation === undefined ? [] : [`validation ${validation.toFixed(3)}`]),
    `${grouped(speed(points))} tokens/s`,
  ].join(' · ');
}

/** What a call of `fit` has come to, in a line. @param isOld it found nothing left to do */
export function summary(points: readonly TrainingPoint[], steps: number, isOld: boolean): string {
  const last = points.at(-1);
  const done = last?.step ?? 0;
  if (done < steps) {
    return `stopped at step ${grouped(done)} of ${grouped(steps)}; run the cell again to go on`;
  }
  if (isOld) {
    return (
      `already trained for ${grouped(done)} steps; ` +
      'give more steps to go on, or create the model again to start from its beginning'
    );
  }
  return finalStatus(points, steps);
}

/** Tokens a second of the last steps. */
function speed(points: readonly TrainingPoint[]): number {
  const recent = points.slice(-SPEED_STEPS).map(({ tokensPerSecond }) => 1 / tokensPerSecond);
  return Math.round(recent.length / recent.reduce((sum, seconds) => sum + seconds, 0));
}

/** `1,000` */
export function grouped(value: number): string {
  return value.toLocaleString('en');
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
