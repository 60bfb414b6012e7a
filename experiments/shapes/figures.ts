/** The pictures of what the papers' shapes take in time and energy. */
import {
  barFigure,
  BITNET_B158_SHAPES,
  lineFigure,
  modelEnergy,
  type Figure,
  type TransformerShape,
} from '@bitnet-notebooks/lib';
import { findMeasurement, type ShapesRecord } from './results.js';

/** Milliseconds of all layers, by form, beside the paper's ratio. */
export function latencyFigure(record: ShapesRecord, threads = 1): Figure {
  const shapes = [...BITNET_B158_SHAPES.map(({ name }) => name), 'BitNet 2B4T'];
  return barFigure({
    title: `A token through all layers, ${threads} thread${threads === 1 ? '' : 's'}`,
    subtitle: 'The same kernel with weights in two, sixteen and thirty-two bits',
    category: { title: 'Shape' },
    categories: shapes,
    value: { title: 'Time', unit: 'ms' },
    notes: [record.machine],
    series: (['ternary', 'fp16', 'fp32'] as const).map((form) => ({
      name: form,
      values: shapes.map((shape) => findMeasurement(record, shape, form, threads).layersMs),
    })),
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
