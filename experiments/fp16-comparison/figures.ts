/** The pictures of trained pairs, and of weights quantized after training. */
import { lineFigure, LEVEL_BITS, scatterFigure, type Figure } from '@bitnet-notebooks/lib';
import type { Pair } from '../sizes/pairs.js';
import { B158_TABLE_1 } from '../shapes/paper-tables.js';
import { PTQ_METHODS, type PostTraining, type PtqMethod } from './results.js';

const PARAMETERS = { title: 'Parameters', unit: 'all learned values', scale: 'log' } as const;

/** Loss of both arms against size. @param entropy a line at the loss of a perfect model, where it is known */
export function pairsFigure(pairs: readonly Pair[], title: string, entropy?: number): Figure {
  const x = pairs.map(({ parameters }) => parameters);
  return lineFigure({
    title,
    subtitle: 'Equal shape, data, steps and seeds; learning rates tuned for each arm',
    x: PARAMETERS,
    y: { title: 'Validation loss', unit: 'nats per token' },
    lines: entropy === undefined ? [] : [{ axis: 'y', at: entropy, label: 'entropy' }],
    notes: ['Means over the seeds with 95 % intervals (Student).'],
    series: (['full', 'ternary'] as const).map((arm) => ({
      name: arm === 'full' ? 'full precision' : 'b1.58',
      x,
      y: pairs.map((pair) => pair[arm].value),
      low: pairs.map((pair) => pair[arm].low),
      high: pairs.map((pair) => pair[arm].high),
      bars: true,
      markers: true,
    })),
  });
}

/** What b1.58 loses against full precision, by size, on each corpus; the paper's sizes lie far to the right. */
export function gapFigure(byCorpus: readonly { name: string; pairs: readonly Pair[] }[]): Figure {
  return scatterFigure({
    title: 'The gap against size',
    subtitle: 'Above zero: b1.58 is worse than full precision of equal shape',
    x: PARAMETERS,
    y: { title: 'b1.58 − full precision', unit: 'nats per token' },
    lines: [{ axis: 'y', at: 0, label: 'parity' }],
    notes: [
      'Pair by pair over the seeds, with 95 % intervals. Paper: perplexities of BitNet b1.58, Table 1.',
    ],
    series: [
      ...byCorpus.map(({ name, pairs }) => ({
        name,
        x: pairs.map(({ parameters }) => parameters),
        y: pairs.map(({ gap }) => gap.value),
        low: pairs.map(({ gap }) => gap.low),
        high: pairs.map(({ gap }) => gap.high),
      })),
      {
        name: 'the paper, 700M to 3B',
        x: [0.7e9, 1.3e9, 3e9],
        y: B158_TABLE_1.slice(0, 3).map(({ perplexity }) => Math.log(perplexity.b158 / perplexity.llama)),
        symbol: 'diamond' as const,
      },
    ],
  });
}

/** Loss after quantizing at every width, beside models that were trained quantized. */
export function postTrainingFigure(table: PostTraining, activationBits: 8 | 16, atMost: number): Figure {
  return lineFigure({
    title: `Quantized after training, ${activationBits === 8 ? 'int8' : 'unquantized'} activations`,
    subtitle: 'Each line is a method; the dotted one was trained with its few bits',
    x: { title: 'Bits of a weight', unit: 'bits' },
    y: { title: 'Loss', unit: 'nats per token' },
    lines: [{ axis: 'y', at: table.unquantized.value, label: 'not quantized' }],
    notes: table.cells.some(({ loss }) => loss.value > atMost)
      ? [`Losses above ${atMost} are drawn there.`]
      : [],
    series: [
      ...(Object.keys(PTQ_METHODS) as PtqMethod[]).map((method) => ({
        name: PTQ_METHODS[method],
        x: LEVEL_BITS,
        y: LEVEL_BITS.map((bits) => {
          const cell = table.cells.find(
            (one) => one.bits === bits && one.method === method && one.activationBits === activationBits,
          );
          return Math.min(atMost, cell?.loss.value ?? NaN);
        }),
        markers: true,
      })),
      {
        name: 'trained: b1 and b1.58',
        x: [1, 1.58],
        y: [table.trained.b1.value, table.trained.b158.value],
        markers: true,
        dash: 'dot' as const,
      },
    ],
  });
}
