/** The pictures of what the papers' shapes take in time and energy. */
import {
  barFigure,
  BITNET_B158_SHAPES,
  lineFigure,
  linearWeights,
  LLAMA_SHAPES,
  modelEnergy,
  type Figure,
  type TransformerShape,
} from '@bitnet-notebooks/lib';
import { B158_ENERGY, B158_TABLE_1, named } from './paper-tables.js';
import { findMeasurement, tokenMs, type ShapesRecord } from './results.js';

/** How many times as fast ternary weights are as 16-bit ones at the papers' shapes: layers alone, a whole token, and the paper. */
export function latencyRatioFigure(record: ShapesRecord, threads = 1): Figure {
  const shapes = B158_TABLE_1.map(({ shape }) => shape);
  // The paper sets its 3.9B model beside the 3B LLaMA.
  const other = (shape: string): string => (shape === '3.9B' ? '3B' : shape);
  const layers = (shape: string, form: 'ternary' | 'fp16'): number =>
    findMeasurement(record, shape, form, threads).layersMs;
  return barFigure({
    title: 'Time in fp16 / time with trits',
    subtitle: `The same kernel with weights in two and in sixteen bits, ${threads} thread${threads === 1 ? '' : 's'}; the paper’s on a GPU`,
    category: { title: 'Shape' },
    categories: shapes,
    value: { title: 'Times as fast', unit: '' },
    notes: [record.machine],
    series: [
      {
        name: 'all layers',
        values: shapes.map((shape) => layers(other(shape), 'fp16') / layers(shape, 'ternary')),
      },
      {
        name: 'with the output matrix',
        values: shapes.map(
          (shape) =>
            tokenMs(record, other(shape), 'fp16', threads) / tokenMs(record, shape, 'ternary', threads),
        ),
      },
      { name: 'the paper', values: B158_TABLE_1.map(({ latency }) => latency.llama / latency.b158) },
    ],
  });
}

/** Energy in fp16 over energy as BitNet, against the length of the sequence. */
export function energyRatioFigure(shapes: readonly TransformerShape[], lengths: readonly number[]): Figure {
  return lineFigure({
    title: 'How much energy ternary weights save',
    subtitle: 'A ratio for the whole model: attention stays in fp16 and grows with the sequence',
    x: { title: 'Sequence', unit: 'tokens', scale: 'log' },
    y: { title: 'Energy in fp16 / as BitNet', unit: '', scale: 'log', range: [1, 100] },
    lines: [{ axis: 'y', at: 71.4, label: 'a product alone: 71.4' }],
    series: shapes.map((shape) => ({
      name: shape.name,
      x: lengths,
      y: lengths.map(
        (tokens) =>
          modelEnergy(shape, 'fp16', { tokens }).total / modelEnergy(shape, 'bitnet', { tokens }).total,
      ),
    })),
  });
}

/** How much energy b1.58 saves by size: what its Figure 3 prints beside the formula, over 512 tokens. */
export function printedEnergyFigure(): Figure {
  const rows = printedEnergies();
  const x = rows.map(({ parameters }) => parameters);
  return lineFigure({
    title: 'Energy in fp16 / as b1.58, by size',
    subtitle: 'Printed in b1.58’s Figure 3 (right), and by the papers’ formula at 512 tokens',
    x: { title: 'Parameters', unit: 'weights of all layers', scale: 'log' },
    y: { title: 'Times less energy', unit: '', range: [0, 50] },
    series: [
      { name: 'printed', x, y: rows.map(({ printed }) => printed), markers: true, dash: 'dot' },
      { name: 'by the formula', x, y: rows.map(({ ours }) => ours), markers: true },
    ],
  });
}

/** A size of b1.58's Figure 3, right. */
export interface PrintedEnergy {
  shape: string;
  /** Weights of all layers. */
  parameters: number;
  /** Energy in fp16 over that of b1.58. */
  printed: number;
  ours: number;
}

/** The five sizes, with the formula's ratio at 512 tokens. */
export function printedEnergies(): PrintedEnergy[] {
  return B158_ENERGY.map(([name, printed]) => {
    const shape = named([...BITNET_B158_SHAPES, ...LLAMA_SHAPES], name);
    const ours = modelEnergy(shape, 'fp16').total / modelEnergy(shape, 'bitnet').total;
    return { shape: name, parameters: linearWeights(shape), printed, ours };
  });
}

/** Share of attention in the energy of a pass, against the length of the sequence. */
export function attentionShareFigure(shape: TransformerShape, lengths: readonly number[]): Figure {
  return lineFigure({
    title: `Attention’s share of the energy, ${shape.name}`,
    x: { title: 'Sequence', unit: 'tokens', scale: 'log' },
    y: { title: 'Share of attention', unit: '%', range: [0, 100] },
    series: (['bitnet', 'fp16'] as const).map((arithmetic) => ({
      name: arithmetic === 'bitnet' ? 'as BitNet' : 'in fp16',
      x: lengths,
      y: lengths.map((tokens) => {
        const { attention, total } = modelEnergy(shape, arithmetic, { tokens });
        return (100 * attention) / total;
      }),
    })),
  });
}
