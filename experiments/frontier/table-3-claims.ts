/** What BitNet's Table 3 says of quantizing after training, held against ours, without and with outliers. */
import { meanInterval, type Claim, type Estimate } from '@bitnet-notebooks/lib';
import { MARGIN } from '../record/margin.js';
import { bestCell, costDifference, table3Cell, type Table3, type Table3Model } from './table-3.js';
import { B1 } from '../record/sources.js';

const SOURCE = `${B1}, Table 3`;

/** Nats above the unquantized model from which on a quantized one has collapsed: twice its perplexity. */
const COLLAPSE = Math.log(2);

/** Nats that GPTQ at W4A16 costs in the paper: ln(16.05 / 15.19). */
const PRINTED_GPTQ = Math.log(16.05 / 15.19);

const WORDS: Readonly<Record<Table3Model, string>> = {
  natural: 'our models, which have no outliers',
  outliers: 'the same functions with outliers made',
};

type Draft = Omit<Claim, 'kind' | 'source'>;

export function table3Claims(table: Table3): Claim[] {
  const claims = [
    ...(['natural', 'outliers'] as const).flatMap((kind) => roundingClaims(table, kind)),
    ...trainedClaims(table),
  ];
  return claims.map((claim) => ({ kind: 'trained models', source: SOURCE, ...claim }));
}

function roundingClaims(table: Table3, kind: Table3Model): Draft[] {
  const at = (precision: string, method: string) => table3Cell(table, kind, precision, method);
  const cost = (precision: string, method: string): Estimate => meanInterval(at(precision, method).costs);
  const where = `(${WORDS[kind]})`;
  return [
    {
      claim: `Rounding to 8-bit weights and activations loses visibly ${where}`,
      paper: '21.43 by absmax, 15.19 unquantized: 0.344 nats',
      measure: 'absmax at W8A8 − unquantized, nats',
      ours: cost('W8A8', 'absmax'),
      expected: { above: MARGIN, ours: 'the margin' },
    },
    {
      claim: `… and SmoothQuant mends it ${where}`,
      paper: '15.67, not 21.43',
      measure: 'absmax − SmoothQuant, both at W8A8, nats',
      ours: costDifference(at('W8A8', 'absmax'), at('W8A8', 'smoothquant')),
      expected: { above: 0 },
    },
    {
      claim: `GPTQ holds at 4 bits with 16-bit activations ${where}`,
      paper: '16.05, 15.19 unquantized: 0.055 nats',
      measure: 'GPTQ at W4A16 − unquantized, nats',
      ours: cost('W4A16', 'gptq'),
      expected: { atMost: PRINTED_GPTQ },
    },
    {
      claim: `Rounding by absmax collapses at 4-bit weights and activations ${where}`,
      paper: '48,000, not 15.19',
      measure: 'absmax at W4A4 − unquantized, nats',
      ours: cost('W4A4', 'absmax'),
      expected: { atLeast: COLLAPSE, ours: 'twice the perplexity' },
    },
    {
      claim: `… and SmoothQuant does not prevent it ${where}`,
      paper: '1,600,000, not 15.19',
      measure: 'SmoothQuant at W4A4 − unquantized, nats',
      ours: cost('W4A4', 'smoothquant'),
      expected: { atLeast: COLLAPSE, ours: 'twice the perplexity' },
    },
    {
      claim: `At 2 bits a rotation helps GPTQ ${where}`,
      paper: '70 by QuIP, 1,032 by GPTQ',
      measure: 'GPTQ on absmean − the same rotated, both at W2A16, nats',
      ours: costDifference(at('W2A16', 'gptq-absmean'), at('W2A16', 'rotation-gptq-absmean')),
      expected: { above: 0 },
    },
    {
      claim: `Rounding by absmax collapses at 1 bit ${where}`,
      paper: '3.5 · 10²³, not 15.19',
      measure: 'absmax at W1A8 − unquantized, nats',
      ours: cost('W1A8', 'absmax'),
      expected: { atLeast: COLLAPSE, ours: 'twice the perplexity' },
    },
  ];
}

function trainedClaims(table: Table3): Draft[] {
  const { b1, 'b1.58': ternary } = table.trainedCosts;
  return [
    ...(b1
      ? [
          {
            claim: 'Training with 1 bit does not collapse',
            paper: '17.07, not 15.19',
            measure: 'b1 − full precision, both trained, nats',
            ours: meanInterval(b1),
            expected: { atMost: COLLAPSE, ours: 'twice the perplexity' },
          },
          {
            claim: 'One trained bit beats one bit after training, by the best method here',
            paper: '17.07, not 3.5 · 10²³',
            measure: 'best at W1A8 above its model − b1 above full precision, nats',
            ours: costDifference(bestCell(table, 'natural', 'W1A8'), { costs: b1 }),
            expected: { above: 0 },
          },
        ]
      : []),
    ...(ternary
      ? [
          {
            claim: 'Trained ternary weights beat two bits after training, by the best method here',
            paper: 'no ternary row; at 2 bits 1,032 by GPTQ, 70 by QuIP, not 15.19',
            measure: 'best at W2A16 above its model − b1.58 above full precision, nats',
            ours: costDifference(bestCell(table, 'natural', 'W2A16'), { costs: ternary }),
            expected: { above: 0 },
          },
        ]
      : []),
  ];
}
