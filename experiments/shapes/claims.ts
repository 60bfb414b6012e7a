/** The papers' claims on the time of a token, held against what was measured at their shapes. */
import {
  exactly,
  judge,
  linearWeights,
  LLAMA_SHAPES,
  type Claim,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import { B158_TABLE_1, LARGER_THAN, named } from './paper-tables.js';
import { findMeasurement, tokenMs, type ShapesRecord } from './results.js';
import { B158 } from '../record/sources.js';

/** What the record of `npm run bench -- shapes` says: ratios of fp16 to ternary, one thread. */
export function latencyClaims(record: ShapesRecord): JudgedClaim[] {
  const claims = B158_TABLE_1.map(({ shape, latency }): Claim => {
    // The paper sets its 3.9B model beside the 3B LLaMA.
    const other = shape === '3.9B' ? '3B' : shape;
    const printed = latency.llama / latency.b158;
    const ours = tokenMs(record, other, 'fp16') / tokenMs(record, shape, 'ternary');
    return {
      claim: `b1.58 ${shape} decodes faster than LLaMA ${other} in fp16`,
      source: `${B158}, Table 1`,
      kind: 'speed of our kernel',
      paper: `${printed.toFixed(2)}×, on a GPU`,
      measure: 'milliseconds a token, fp16 / ternary, layers and output matrix, one thread here',
      ours: exactly(ours),
      digits: 2,
      // How much faster belongs to the hardware: only that it is faster can be held against ours.
      expected: { above: 1 },
    };
  });
  const layers = (form: 'fp16' | 'ternary'): number => findMeasurement(record, '3B', form).layersMs;
  return [
    ...claims,
    {
      claim: 'The ternary kernel is three times as fast as the fp16 kernel at the 3B shape, or more',
      kind: 'self-check',
      source: 'this project',
      paper: 'no number',
      measure: 'milliseconds of all layers, fp16 / ternary, one thread',
      ours: exactly(layers('fp16') / layers('ternary')),
      digits: 2,
      expected: { atLeast: 3 },
    } satisfies Claim,
    ...LARGER_THAN.map(([large, small]): Claim => ({
      claim: `${large} b1.58 beats ${small.name} fp16 in the time of a token`,
      kind: 'speed of our kernel',
      source: `${B158}, section 3`,
      paper: 'said, without numbers',
      measure: `${small.name} fp16 / ${large} b1.58, layers at the speeds measured at 3B, one thread`,
      ours: exactly(
        (linearWeights(small) * layers('fp16')) /
          (linearWeights(named(LLAMA_SHAPES, large)) * layers('ternary')),
      ),
      digits: 2,
      expected: { above: 1 },
    })),
  ].map(judge);
}
