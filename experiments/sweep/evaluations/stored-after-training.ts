/** A trained full-precision model quantized afterwards, in files of few bits. */
import type { AblationOptions, Corpus, PostTrainingMethod, TrainableModel } from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { calibrated } from './calibration.js';
import { judgeStored, storedModel } from './stored.js';

/** Bits and lengths of groups that models are stored in after training. */
export const STORED_BITS = [8, 6, 4, 3] as const;
export const STORED_GROUPS = [32, 128] as const;
const STORED_LEVELS = { 8: 255, 6: 63, 4: 15, 3: 7 } as const;

/**
 * Files of 8, 6, 4 and 3 bits a weight in groups of 32 and 128, by rounding and by GPTQ, with unquantized activations; and 8
 * bits in groups of 32 by rounding with int8 activations.
 * @returns `int4-g32-gptq-bytes` and `int4-g32-gptq-loss` and so on; `int8-a8-bytes`, `int8-a8-loss`
 */
export async function evaluateStoredAfterTraining(
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
): Promise<Record<string, number>> {
  const { postTraining } = calibrated(model, corpus, spec);
  const measured: Record<string, number> = {};
  const judge = async (
    name: string,
    bits: (typeof STORED_BITS)[number],
    granularity: number,
    rounding: PostTrainingMethod['rounding'],
    activations: AblationOptions['activation_quantizer'],
  ): Promise<void> => {
    const { matrices } = postTraining.quantize({ bits, reach: 'absmax', granularity, rounding });
    const storage = { form: 'bits', levels: STORED_LEVELS[bits], granularity } as const;
    const stored = storedModel(model, storage, matrices);
    const { bytes, loss } = await judgeStored(model, corpus, spec, stored, activations);
    measured[`${name}-bytes`] = bytes;
    measured[`${name}-loss`] = loss;
  };
  for (const bits of STORED_BITS) {
    for (const group of STORED_GROUPS) {
      for (const rounding of ['nearest', 'gptq'] as const) {
        await judge(`int${bits}-g${group}-${rounding}`, bits, group, rounding, 'none');
      }
    }
  }
  await judge('int8-a8', 8, 32, 'nearest', 'absmax-int8-token');
  return measured;
}
