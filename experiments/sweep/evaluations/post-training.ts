import {
  gptq,
  inverseFactor,
  LEVEL_BITS,
  levelGrid,
  roundToLevels,
  type Corpus,
  type Granularity,
  type LevelBits,
  type ReachRule,
  type TrainableModel,
} from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { calibrationInputs } from './calibration.js';
import { evaluationWindows } from './evaluation-windows.js';

/** A way to quantize weights after training. */
interface Method {
  /** `round` takes the nearest level; `gptq` makes up for its errors. */
  rule: 'round' | 'gptq';
  reach: ReachRule;
  granularity: Granularity;
}

const METHODS: Readonly<Record<string, Method>> = {
  'absmax-tensor': { rule: 'round', reach: 'absmax', granularity: 'tensor' },
  'absmax-channel': { rule: 'round', reach: 'absmax', granularity: 'channel' },
  'absmean-tensor': { rule: 'round', reach: 'absmean', granularity: 'tensor' },
  'absmean-channel': { rule: 'round', reach: 'absmean', granularity: 'channel' },
  'gptq-absmax': { rule: 'gptq', reach: 'absmax', granularity: 'channel' },
  'gptq-absmean': { rule: 'gptq', reach: 'absmean', granularity: 'channel' },
};

/**
 * The loss of a trained model whose matrices are quantized afterwards, by every method at every width, in nats per token
 * (BitNet, arXiv 2310.11453, Table 3). GPTQ is calibrated on training text; embedding and output matrix stay as they are.
 * @returns by `ptq-METHOD-wBITS-a16` and `…-a8` (int8 activations per token); `ptq-none-w16-a16` and `-a8` unquantized
 */
export function evaluatePostTraining(
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
): Record<string, number> {
  const { context } = spec.training;
  const windows = evaluationWindows(corpus, context);
  const moments = new Map(
    [...calibrationInputs(model, corpus, spec).values()].flatMap(({ readers, moments }) =>
      readers.map((name) => [name, moments] as const),
    ),
  );
  const factors = new Map([...new Set(moments.values())].map((moment) => [moment, inverseFactor(moment)]));
  const tensors = model.tensors();
  const losses: Record<string, number> = {};

  const evaluate = (name: string, weights: ReadonlyMap<string, Float32Array>): void => {
    for (const [suffix, quantizer] of [
      ['a16', 'none'],
      ['a8', 'absmax-int8-token'],
    ] as const) {
      const changed = model.changed({
        weights,
        options: { weight_quantizer: 'none', activation_quantizer: quantizer },
      });
      losses[`${name}-${suffix}`] = changed.evaluate(corpus, windows, context);
      changed.dispose();
    }
  };

  const quantized = ({ rule, ...kind }: Method, bits: LevelBits): Map<string, Float32Array> => {
    const weights = new Map<string, Float32Array>();
    for (const { name, shape, data } of tensors) {
      const moment = moments.get(name);
      if (!moment) continue;
      const grid = levelGrid(data, shape[0], { bits, ...kind });
      weights.set(name, rule === 'gptq' ? gptq(data, grid, factors.get(moment)!) : roundToLevels(data, grid));
    }
    return weights;
  };

  evaluate('ptq-none-w16', new Map());
  for (const bits of LEVEL_BITS) {
    for (const [name, method] of Object.entries(METHODS)) {
      evaluate(`ptq-${name}-w${bits}`, quantized(method, bits));
    }
  }
  return losses;
}
