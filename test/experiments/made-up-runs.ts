import type { Experiment } from '../../experiments/sweep/experiment.js';
import { PTQ_METHODS } from '../../experiments/fp16-comparison/results.js';
import { FORMS } from '../../experiments/frontier/forms.js';
import { TABLE_3_MODELS, TABLE_3_ROWS, table3Name } from '../../experiments/sweep/evaluations/table-3.js';
import type { Preset, RunSpec } from '../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../experiments/sweep/finished-run.js';
import { countParameters, LEVEL_BITS } from '../../lib/index.js';
import { finishAll as finishWith } from './finish-runs.js';

/** Finishes every run that an experiment asks for, with losses that are made up. */
export function finishAll(
  experiment: Experiment,
  preset: Preset,
  lossOf: (spec: RunSpec) => number | null,
): FinishedRun[] {
  return finishWith(
    (...asked) => experiment.runs(...asked),
    preset,
    (spec) => madeUp(spec, lossOf(spec)),
  );
}

function madeUp(spec: RunSpec, validationLoss: number | null): Partial<FinishedRun> {
  const { steps, diagnostics } = spec.training;
  const last = validationLoss ?? Infinity;
  return {
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
    ...(spec.evaluations?.length &&
      validationLoss !== null && { measured: measurements(spec, validationLoss) }),
  };
}

/** Bits that a form keeps a weight in, by its name. */
function bitsOf(name: string): number {
  const digits = /^int(\d)/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits) + 0.5;
  return name === 'b1' ? 1 : name.startsWith('fp16') ? 16 : 1.6;
}

/** What the runs are asked to measure: losses a little above the run's own, by the length of their names; bytes by formula. */
function measurements({ arm, model, evaluations = [] }: RunSpec, loss: number): Record<string, number> {
  const { quantized, total } = countParameters(model);
  const above = (name: string): [string, number] => [name, loss + 1e-4 * name.length];
  const forms = FORMS.filter((form) => form.arm === arm);
  const asked = (name: string): boolean => evaluations.includes(name);
  return Object.fromEntries([
    ...(asked('fp16') ? ['fp16', 'fp16-unrounded'].map(above) : []),
    ...(asked('ptq')
      ? [
          'none-w16',
          ...Object.keys(PTQ_METHODS).flatMap((method) => LEVEL_BITS.map((bits) => `${method}-w${bits}`)),
        ].flatMap((name) => [16, 8].map((activations) => above(`ptq-${name}-a${activations}`)))
      : []),
    ...(asked('stored')
      ? forms.flatMap((form): [string, number][] => [
          [form.bytes, 2 * (total - quantized) + (quantized * bitsOf(form.name)) / 8],
          form.loss === 'stored-loss' ? [form.loss, loss] : above(form.loss),
        ])
      : []),
    ...(asked('table-3')
      ? TABLE_3_MODELS.flatMap((kind) => [
          above(`table-3 ${kind} W16A16`),
          ...TABLE_3_ROWS.map((row) => above(table3Name(kind, row))),
          ...['self_attn.input', 'self_attn.output', 'mlp.input', 'mlp.output'].map(
            (site): [string, number] => [
              `kurtosis ${kind} model.layers.0.${site}`,
              kind === 'natural' ? 4 : 60,
            ],
          ),
        ])
      : []),
  ]);
}
