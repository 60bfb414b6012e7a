/** The energies that the BitNet papers print, beside what the formula gives. */
import { modelEnergy, type Arithmetic, type Process } from './energy.js';
import { BITNET_2B4T_SHAPE, BITNET_B1_SHAPES, PEER_SHAPES } from './shapes.js';

/** A printed energy and ours, in joules over 512 tokens. */
export interface EnergyCell {
  model: string;
  arithmetic: Arithmetic;
  process: Process;
  /** Which operations: the report of 2B4T prints the sum. */
  operation: 'multiply' | 'add' | 'total';
  printed: number;
  ours: number;
  /** Ours, rounded to as many digits as are printed, is what is printed. */
  agrees: boolean;
}

/** BitNet's Table 1 (arXiv 2310.11453): a row for each size and width; 7nm MUL, 7nm ADD, 45nm MUL, 45nm ADD. */
const PRINTED_B1: Readonly<
  Record<string, Readonly<Record<Exclude<Arithmetic, 'int8'>, readonly [number, number, number, number]>>>
> = {
  '6.7B': {
    fp32: [4.41, 1.28, 12.46, 3.03],
    fp16: [1.14, 0.54, 3.7, 1.35],
    bitnet: [0.02, 0.04, 0.08, 0.13],
  },
  '13B': {
    fp32: [8.58, 2.49, 24.23, 5.89],
    fp16: [2.23, 1.05, 7.2, 2.62],
    bitnet: [0.04, 0.06, 0.12, 0.24],
  },
  '30B': {
    fp32: [20.09, 5.83, 56.73, 13.8],
    fp16: [5.21, 2.45, 16.87, 6.13],
    bitnet: [0.06, 0.14, 0.2, 0.53],
  },
};

const COLUMNS = [
  { process: '7nm', operation: 'multiply' },
  { process: '7nm', operation: 'add' },
  { process: '45nm', operation: 'multiply' },
  { process: '45nm', operation: 'add' },
] as const;

/** The 36 cells of BitNet's energy table. */
export function bitnetEnergyTable(): EnergyCell[] {
  return BITNET_B1_SHAPES.flatMap((shape) =>
    (['fp32', 'fp16', 'bitnet'] as const).flatMap((arithmetic) =>
      COLUMNS.map(({ process, operation }, column) => {
        const printed = PRINTED_B1[shape.name][arithmetic][column];
        const ours = modelEnergy(shape, arithmetic, { process })[operation];
        const agrees = agree(printed, ours, 2);
        return { model: shape.name, arithmetic, process, operation, printed, ours, agrees };
      }),
    ),
  );
}

/** The 2B4T report's energies (arXiv 2504.12285, Table 1), 7 nm: the peers in its order, then BitNet. */
const PRINTED_REPORT: readonly number[] = [0.258, 0.186, 0.347, 0.425, 0.649, 0.028];

/** The six energies of the 2B4T report. */
export function reportEnergyTable(): EnergyCell[] {
  return [...PEER_SHAPES, BITNET_2B4T_SHAPE].map((shape, i) => {
    const arithmetic = shape === BITNET_2B4T_SHAPE ? 'bitnet' : 'fp16';
    const ours = modelEnergy(shape, arithmetic).total;
    const printed = PRINTED_REPORT[i];
    const agrees = agree(printed, ours, 3);
    return { model: shape.name, arithmetic, process: '7nm', operation: 'total', printed, ours, agrees };
  });
}

function agree(printed: number, ours: number, digits: number): boolean {
  return ours.toFixed(digits) === printed.toFixed(digits);
}
