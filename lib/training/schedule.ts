/**
 * Learning rate and weight decay by step, as pure functions. A schedule is data (it goes into a run's config.json), and
 * `schedule` turns it into a function from the step to the rates.
 *
 * Steps count from 0; step t is the update after t updates were made. All start with a linear warm-up:
 * peak · (t + 1) / warmupSteps for t < warmupSteps. From `totalSteps` on the last rate stays.
 */

/** What the optimizer needs at one step. */
export interface Rates {
  /** Factor of the update. */
  learningRate: number;
  /** Decoupled weight decay, as AdamW takes it: multiplied by the learning rate there. */
  weightDecay: number;
}

/** From the step to the rates. */
export type Schedule = (step: number) => Rates;

interface Lengths {
  /** Steps of the linear warm-up; 0 for none. */
  warmupSteps: number;
  /** Step at which the decay arrives. */
  totalSteps: number;
  /** Weight decay; in two-stage schedules that of stage one, since stage two has none. */
  weightDecay: number;
  /**
   * Step from which there is no weight decay. By default the end in one-stage schedules and `dropStep` in two-stage ones:
   * an ablation can take the two halves of the Training Tips' recipe apart.
   */
  weightDecayUntil?: number;
}

/** One decay from `peak` to `minimum`. */
export interface OneStageOptions extends Lengths {
  /** `cosine`: half a cosine. `linear`: a line. */
  kind: 'cosine' | 'linear';
  /** Highest learning rate, reached at the end of the warm-up. */
  peak: number;
  /** Learning rate at totalSteps and after. */
  minimum: number;
}

/**
 * Two stages, with a sudden drop of the learning rate between them and no weight decay in the second.
 * - `two-stage-linear`: the BitNet b1.58 Training Tips (section 1). Stage one is the line from `peak` towards 0 at
 *   totalSteps, stage two the line from `secondPeak` at `dropStep` to 0 at totalSteps. Weight decay is constant in stage one.
 * - `two-stage-cosine`: BitNet b1.58 2B4T (arXiv 2504.12285, section 3.1). The same with half cosines; weight decay
 *   follows the learning rate's curve in stage one, with its own peak.
 *
 * The papers give the idea and no formula. The Tips name peaks such as 1.5e-3 → 1e-3. Read as the peak of a second
 * schedule of full length, whose line stands at 0.5e-3 halfway, that is `secondPeak: 0.5e-3`: read as the rate right
 * after the drop it would be no drop, since stage one stands at 0.75e-3 by then.
 */
export interface TwoStageOptions extends Lengths {
  kind: 'two-stage-linear' | 'two-stage-cosine';
  /** Highest learning rate of stage one. */
  peak: number;
  /** Learning rate right after the drop; below what stage one has there. */
  secondPeak: number;
  /** First step of stage two, half of totalSteps in the papers. */
  dropStep: number;
}

/** Any schedule, as data. */
export type ScheduleOptions = OneStageOptions | TwoStageOptions;

/** Shapes of a decay, from 1 at progress 0 to 0 at progress 1. */
const DECAY = {
  linear: (progress: number): number => 1 - progress,
  cosine: (progress: number): number => 0.5 * (1 + Math.cos(Math.PI * progress)),
};

/**
 * The rates by step.
 * @throws Error when an option is missing, out of range or contradicts another; it names the option and what was found
 */
export function schedule(options: ScheduleOptions): Schedule {
  if (typeof options !== 'object' || options === null)
    throw new Error(`schedule: options must be an object, got ${String(options)}.`);
  const { warmupSteps, totalSteps, peak } = options;
  requireSteps('totalSteps', totalSteps, 1, Number.MAX_SAFE_INTEGER);
  requireSteps('warmupSteps', warmupSteps, 0, totalSteps - 1);
  requireNumber('peak', peak, Number.MIN_VALUE, Infinity);
  requireNumber('weightDecay', options.weightDecay, 0, Infinity);
  const rates = isTwoStage(options) ? twoStages(options) : oneStage(options);
  const { weightDecayUntil } = options;
  if (weightDecayUntil !== undefined) requireSteps('weightDecayUntil', weightDecayUntil, 0, totalSteps);
  return (step) => {
    requireSteps('step', step, 0, Number.MAX_SAFE_INTEGER);
    const { learningRate, weightDecay } = rates(Math.min(step, totalSteps));
    return {
      learningRate,
      weightDecay: weightDecayUntil !== undefined && step >= weightDecayUntil ? 0 : weightDecay,
    };
  };
}

function isTwoStage(options: ScheduleOptions): options is TwoStageOptions {
  return options.kind === 'two-stage-linear' || options.kind === 'two-stage-cosine';
}

function oneStage(options: OneStageOptions): Schedule {
  const { kind, warmupSteps, totalSteps, peak, minimum, weightDecay } = options;
  if (!Object.hasOwn(DECAY, kind)) {
    throw new Error(
      'schedule: kind must be one of cosine, linear, two-stage-linear, two-stage-cosine, ' +
        `got ${JSON.stringify(kind)}.`,
    );
  }
  requireNumber('minimum', minimum, 0, peak);
  const decay = DECAY[kind];
  return (step) => {
    if (step < warmupSteps) return { learningRate: warmup(step, options), weightDecay };
    const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
    return { learningRate: minimum + (peak - minimum) * decay(progress), weightDecay };
  };
}

function twoStages(options: TwoStageOptions): Schedule {
  const { kind, warmupSteps, totalSteps, peak, secondPeak, dropStep, weightDecay } = options;
  requireSteps('dropStep', dropStep, warmupSteps + 1, totalSteps - 1);
  const decay = kind === 'two-stage-linear' ? DECAY.linear : DECAY.cosine;
  const stageOne = (step: number): number =>
    step < warmupSteps
      ? warmup(step, options)
      : peak * decay((step - warmupSteps) / (totalSteps - warmupSteps));
  const before = stageOne(dropStep);
  if (!(secondPeak > 0 && secondPeak < before)) {
    throw new Error(
      `schedule: secondPeak must lie between 0 and ${before}, the rate that stage one has at dropStep ${dropStep}, ` +
        `got ${secondPeak}. It is the rate right after the drop.`,
    );
  }
  return (step) => {
    const inStageTwo = step >= dropStep;
    const learningRate = inStageTwo
      ? secondPeak * decay((step - dropStep) / (totalSteps - dropStep))
      : stageOne(step);
    if (inStageTwo && options.weightDecayUntil === undefined) return { learningRate, weightDecay: 0 };
    return {
      learningRate,
      weightDecay: kind === 'two-stage-cosine' ? weightDecay * (learningRate / peak) : weightDecay,
    };
  };
}

function warmup(step: number, { peak, warmupSteps }: { peak: number; warmupSteps: number }): number {
  return (peak * (step + 1)) / warmupSteps;
}

function requireSteps(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`;
    throw new Error(`schedule: ${name} must be a whole number ${range}, got ${value}.`);
  }
}

function requireNumber(name: string, value: number, low: number, high: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < low || value > high) {
    const range = low > 0 ? 'above 0' : high === Infinity ? 'from 0' : `from 0 to ${high}`;
    throw new Error(`schedule: ${name} must be a number ${range}, got ${value}.`);
  }
}
