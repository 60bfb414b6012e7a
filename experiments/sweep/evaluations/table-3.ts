/** A trained full-precision model quantized afterwards as BitNet's Table 3 (arXiv 2310.11453) has it, without outliers and with. */
import {
  weightsOfCodes,
  withMadeOutliers,
  type Corpus,
  type PostTrainingMethod,
  type TrainableModel,
} from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { calibrated } from './calibration.js';
import { testLoss } from './test-loss.js';

/** A row of BitNet's Table 3 (arXiv 2310.11453): bits of weights and activations, and a method. */
export interface Table3Row {
  weights: 8 | 4 | 2 | 1;
  activations: 16 | 8 | 4;
  method: string;
  how: Omit<PostTrainingMethod, 'bits'>;
}

/** One scale a row, as the methods' papers have it for weights; absmean reaches as far as b1.58's and a4.8's scales do. */
const METHODS: Readonly<Record<string, Omit<PostTrainingMethod, 'bits'>>> = {
  absmax: { reach: 'absmax', granularity: 'channel', rounding: 'nearest' },
  absmean: { reach: 'absmean', granularity: 'channel', rounding: 'nearest' },
  smoothquant: { reach: 'absmax', granularity: 'channel', rounding: 'nearest', preparation: 'smooth' },
  gptq: { reach: 'absmax', granularity: 'channel', rounding: 'gptq' },
  'gptq-absmean': { reach: 'absmean', granularity: 'channel', rounding: 'gptq' },
  rotation: { reach: 'absmax', granularity: 'channel', rounding: 'nearest', preparation: 'rotate' },
  'rotation-gptq': { reach: 'absmax', granularity: 'channel', rounding: 'gptq', preparation: 'rotate' },
  'rotation-gptq-absmean': {
    reach: 'absmean',
    granularity: 'channel',
    rounding: 'gptq',
    preparation: 'rotate',
  },
};

const METHODS_AT: readonly (readonly [Table3Row['weights'], Table3Row['activations'], readonly string[]])[] =
  [
    [8, 8, ['absmax', 'smoothquant', 'rotation']],
    [4, 16, ['absmax', 'absmean', 'gptq', 'rotation-gptq']],
    [4, 4, ['absmax', 'absmean', 'smoothquant', 'rotation']],
    [2, 16, ['absmean', 'gptq', 'gptq-absmean', 'rotation-gptq-absmean']],
    [1, 8, ['absmax', 'absmean', 'smoothquant', 'gptq-absmean']],
  ];

/** The rows, the paper's and those that it leaves out. */
export const TABLE_3_ROWS: readonly Table3Row[] = METHODS_AT.flatMap(([weights, activations, names]) =>
  names.map((method) => ({ weights, activations, method, how: METHODS[method] })),
);

/** Of the trained model itself, and of the same function with outliers made in its activations. */
export const TABLE_3_MODELS = ['natural', 'outliers'] as const;

/** Bits of a row: `W4A4`. */
export function precisionOf({ weights, activations }: Pick<Table3Row, 'weights' | 'activations'>): string {
  return `W${weights}A${activations}`;
}

/** Name of a row's loss: `table-3 natural W4A4 absmax`. */
export function table3Name(
  model: (typeof TABLE_3_MODELS)[number],
  row: Pick<Table3Row, 'weights' | 'activations' | 'method'>,
): string {
  return `table-3 ${model} ${precisionOf(row)} ${row.method}`;
}

const QUANTIZERS = { 16: 'none', 8: 'absmax-int8-token', 4: 'absmax-int4-token' } as const;

/**
 * The loss of every row, of the model as it is and with made outliers, on the test part; and the kurtosis of what enters the
 * products, by site.
 * @returns by {@link table3Name}, with `table-3 natural W16A16` and the same for outliers, and `kurtosis natural SITE`
 */
export function evaluateTable3(model: TrainableModel, corpus: Corpus, spec: RunSpec): Record<string, number> {
  const measured: Record<string, number> = {};
  for (const kind of TABLE_3_MODELS) {
    const tensors = kind === 'natural' ? model.tensors() : withMadeOutliers(model.tensors());
    const base = model.changed({ weights: new Map(tensors.map(({ name, data }) => [name, data])) });
    try {
      const { postTraining, inputs } = calibrated(base, corpus, spec);
      for (const [site, { kurtosis }] of inputs) measured[`kurtosis ${kind} ${site}`] = kurtosis;
      measured[`table-3 ${kind} W16A16`] = testLoss(base, corpus, spec);
      for (const row of TABLE_3_ROWS) {
        const { matrices, inputTransforms } = postTraining.quantize({ ...row.how, bits: row.weights });
        const weights = new Map(Array.from(matrices, ([name, codes]) => [name, weightsOfCodes(codes)]));
        const options = { activation_quantizer: QUANTIZERS[row.activations] };
        const changed = base.changed({ weights, options, inputTransforms });
        measured[table3Name(kind, row)] = testLoss(changed, corpus, spec);
        changed.dispose();
      }
    } finally {
      base.dispose();
    }
  }
  return measured;
}
