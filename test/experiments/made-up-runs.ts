import type { Experiment } from '../../experiments/sweep/experiment.js';
import { PTQ_METHODS } from '../../experiments/fp16-comparison/results.js';
import { runId, type Preset, type RunSpec } from '../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../experiments/sweep/finished-run.js';
import { countParameters, LEVEL_BITS } from '../../lib/index.js';

/** Finishes every run that an experiment asks for, with losses that are made up. */
export function finishAll(
  experiment: Experiment,
  preset: Preset,
  lossOf: (spec: RunSpec) => number | null,
): FinishedRun[] {
  const finished = new Map<string, FinishedRun>();
  for (;;) {
    const open = experiment.runs(preset, [...finished.values()]).filter((spec) => !finished.has(runId(spec)));
    if (open.length === 0) return [...finished.values()];
    for (const spec of open) finished.set(runId(spec), madeUp(spec, lossOf(spec)));
  }
}

function madeUp(spec: RunSpec, validationLoss: number | null): FinishedRun {
  const { steps, diagnostics } = spec.training;
  const last = validationLoss ?? Infinity;
  return {
    ...spec,
    id: runId(spec),
    validationLoss,
    validationTokens: 1000,
    parameters: countParameters(spec.model).total,
    curve: [0.2, 0.4, 0.5, 0.6, 0.8, 1].map((share) => ({
      step: share * steps,
      trainLoss: last + 1 - share,
      validationLoss: last + 1 - share,
      ...(diagnostics && {
        diagnostics: { zeros: 0.33, flips: 0.001, latent: [0.5, 0.5], activationZeros: 0.6 },
      }),
      seconds: share,
    })),
    ...(spec.testWindows !== undefined &&
      validationLoss !== null && { test: { loss: validationLoss, tokens: 1000 } }),
    ...(validationLoss === null && { diverged: { step: 1, message: 'made up' } }),
    seconds: 1,
    backend: { name: 'made up', version: '0', threads: 1 },
    ...(spec.evaluations?.length && validationLoss !== null && { measured: measurements(validationLoss) }),
  };
}

/** What the runs are asked to measure: each a little above the loss, by the length of its name. */
function measurements(loss: number): Record<string, number> {
  const methods = Object.keys(PTQ_METHODS).flatMap((method) =>
    LEVEL_BITS.map((bits) => `${method}-w${bits}`),
  );
  const names = ['none-w16', ...methods].flatMap((name) => [16, 8].map((bits) => `ptq-${name}-a${bits}`));
  return Object.fromEntries(
    ['fp16', 'fp16-unrounded', ...names].map((name) => [name, loss + 1e-4 * name.length]),
  );
}
