/** The papers' claims on memory, time and energy: by measurement at their shapes, and by their own arithmetic. */
import {
  bitnetEnergyTable,
  cacheBytes,
  BITNET_2B4T_SHAPE,
  BITNET_B158_SHAPES,
  exactly,
  judge,
  linearWeights,
  LLAMA_SHAPES,
  modelEnergy,
  productEnergyRatio,
  reportEnergyTable,
  throughputLimit,
  TWO_A100,
  weightBytes,
  largestBatch,
  type Claim,
  type JudgedClaim,
  type TransformerShape,
} from '@bitnet-notebooks/lib';
import { B158_TABLE_1, B158_THROUGHPUT } from './paper-tables.js';
import { findMeasurement, type ShapesRecord } from './results.js';

const B158 = 'BitNet b1.58 (2402.17764)';
const B1 = 'BitNet (2310.11453), Table 1';
const REPORT = 'BitNet b1.58 2B4T (2504.12285), Table 1';

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
      paper: `${printed.toFixed(2)}×, on a GPU`,
      measure: 'milliseconds a token, fp16 / ternary, layers and output matrix, one thread here',
      ours: exactly(ours),
      digits: 2,
      expected: { atLeast: Number(printed.toFixed(2)) },
    };
  });
  const layers = (form: 'fp16' | 'ternary'): number => findMeasurement(record, '3B', form).layersMs;
  return [
    ...claims,
    {
      claim: 'The ternary kernel is three times as fast as the fp16 kernel at the 3B shape, or more',
      source: 'this project',
      paper: 'no number',
      measure: 'milliseconds of all layers, fp16 / ternary, one thread',
      ours: exactly(layers('fp16') / layers('ternary')),
      digits: 2,
      expected: { atLeast: 3 },
    } satisfies Claim,
    ...LARGER_THAN.map(([large, small]): Claim => ({
      claim: `${large} b1.58 beats ${small.name} fp16 in the time of a token`,
      source: `${B158}, section 3`,
      paper: 'said, without numbers',
      measure: `${small.name} fp16 / ${large} b1.58, layers at the speeds measured at 3B, one thread`,
      ours: exactly(
        (linearWeights(small) * layers('fp16')) /
          (linearWeights(named(LLAMA_SHAPES, large)) * layers('ternary')),
      ),
      digits: 2,
      expected: { atLeast: 1 },
    })),
  ].map(judge);
}

/** The pairs that b1.58 names in section 3: a ternary model, and the smaller one in fp16 that it is said to beat. */
const LARGER_THAN: readonly (readonly [large: string, small: TransformerShape])[] = [
  ['13B', named(BITNET_B158_SHAPES, '3B')],
  ['30B', named(LLAMA_SHAPES, '7B')],
  ['70B', named(LLAMA_SHAPES, '13B')],
];

/** Milliseconds of a token: all layers, and the output matrix, which is fp16 in both. */
export function tokenMs(record: ShapesRecord, shape: string, form: 'fp16' | 'ternary', threads = 1): number {
  const { layersMs } = findMeasurement(record, shape, form, threads);
  return layersMs + findMeasurement(record, shape, 'fp16', threads).headMs;
}

/** What follows from shapes and operation energies alone. */
export function formulaClaims(): JudgedClaim[] {
  return [...memoryClaims(), ...energyClaims(), ...equivalenceClaims(), ...servingClaims()].map(judge);
}

function memoryClaims(): Claim[] {
  return B158_TABLE_1.map(({ shape, memory }) => {
    const other = shape === '3.9B' ? '3B' : shape;
    const bytes = (name: string, bits: 2 | 16): number => weightBytes(named(BITNET_B158_SHAPES, name), bits);
    const printed = memory.llama / memory.b158;
    return {
      claim: `b1.58 ${shape} takes a fraction of the memory of LLaMA ${other}`,
      source: `${B158}, Table 1`,
      paper: `${printed.toFixed(2)}×: ${memory.llama} GB and ${memory.b158} GB, workspaces included`,
      measure: 'bytes of all weights, fp16 / two bits with 16-bit embeddings',
      ours: exactly(bytes(other, 16) / bytes(shape, 2)),
      digits: 2,
      expected: { atLeast: Number(printed.toFixed(2)) },
    };
  });
}

function energyClaims(): Claim[] {
  const agreeing = (cells: { agrees: boolean }[]): number => cells.filter(({ agrees }) => agrees).length;
  const ratio = modelEnergy(BITNET_2B4T_SHAPE, 'fp16').total / modelEnergy(BITNET_2B4T_SHAPE, 'bitnet').total;
  return [
    {
      claim: 'BitNet’s energy table follows from its formula',
      source: B1,
      paper: '36 cells',
      measure: 'cells that the formula gives to the printed digit',
      ours: exactly(agreeing(bitnetEnergyTable())),
      digits: 0,
      expected: { atLeast: 36 },
    },
    {
      claim: 'The energies of the 2B4T report follow from the same formula, over 512 tokens',
      source: REPORT,
      paper: '6 figures',
      measure: 'figures that the formula gives to the printed digit',
      ours: exactly(agreeing(reportEnergyTable())),
      digits: 0,
      expected: { atLeast: 6 },
    },
    {
      claim: 'A matrix product takes 71.4 times less arithmetic energy at 7 nm',
      source: `${B158}, Figure 3`,
      paper: '71.4×',
      measure: '(add + multiply in fp16) / add in int8',
      ours: exactly(productEnergyRatio()),
      digits: 1,
      expected: { atLeast: 71.35, atMost: 71.45 },
    },
    {
      claim: 'A whole model takes as much less energy as one of its products',
      source: `${B158}, Figure 3, read as said of models`,
      paper: '71.4×',
      measure: '2B4T in fp16 / as it is, 512 tokens, attention included',
      ours: exactly(ratio),
      digits: 1,
      expected: { atLeast: 71.35 },
    },
  ];
}

/** "13B b1.58 is more efficient than 3B FP16" and the two like it: the smaller of the ratios of memory and of energy. */
function equivalenceClaims(): Claim[] {
  return LARGER_THAN.map(([large, small]) => {
    const shape = named(LLAMA_SHAPES, large);
    const memory = weightBytes(small, 16) / weightBytes(shape, 2);
    const energy = modelEnergy(small, 'fp16').total / modelEnergy(shape, 'bitnet').total;
    return {
      claim: `${large} b1.58 beats ${small.name} fp16 in memory and energy`,
      source: `${B158}, section 3`,
      paper: 'said, without numbers',
      measure: `${small.name} fp16 / ${large} b1.58, the smaller of memory (${memory.toFixed(2)}) and energy (${energy.toFixed(2)})`,
      ours: exactly(Math.min(memory, energy)),
      digits: 2,
      expected: { atLeast: 1 },
    };
  });
}

function servingClaims(): Claim[] {
  const shape = named(LLAMA_SHAPES, '70B');
  const options = { tokens: 512, devices: TWO_A100 };
  const ratio = (reservedBytes: number): number =>
    largestBatch(shape, 2, { ...options, reservedBytes }) /
    largestBatch(shape, 16, { ...options, reservedBytes });
  const limit = (bits: 2 | 16, batch: number): number =>
    throughputLimit(shape, bits, { ...options, batch }).tokensPerSecond;
  const { llama, b158 } = B158_THROUGHPUT;
  return [
    {
      claim: '70B on two 80 GB devices takes a batch 11 times as large',
      source: `${B158}, Table 3`,
      paper: '11× (176 and 16)',
      measure:
        'sequences beside the weights, by arithmetic: nothing reserved, to as much that fp16 is left with the paper’s 16',
      ours: { value: ratio(0), low: ratio(0), high: ratio(reservedForBatch(shape, llama.batch)), count: 2 },
      digits: 1,
      expected: { atLeast: 11 },
    },
    {
      claim: '70B on two 80 GB devices gives 8.9 times the throughput',
      source: `${B158}, Table 3`,
      paper: '8.9× (2977 and 333 tokens/s)',
      measure: 'limit by memory and arithmetic at the paper’s batches',
      ours: exactly(limit(2, b158.batch) / limit(16, llama.batch)),
      digits: 1,
      expected: { atLeast: 8.9 },
    },
  ];
}

/** Bytes to reserve so that a batch of full-precision sequences just fits: what the paper's workspaces must have taken. */
export function reservedForBatch(shape: TransformerShape, batch: number, tokens = 512): number {
  return TWO_A100.bytes - weightBytes(shape, 16) - batch * cacheBytes(shape, tokens);
}

/** @throws Error that names the shapes there are */
export function named(shapes: readonly TransformerShape[], name: string): TransformerShape {
  const found = shapes.find((shape) => shape.name === name);
  if (found) return found;
  throw new Error(`shape: must be one of ${shapes.map((shape) => shape.name).join(', ')}, got ${name}.`);
}
