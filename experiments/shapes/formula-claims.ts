/** The papers' claims on memory, energy and serving that follow from shapes and operation energies alone. */
import {
  bitnetEnergyTable,
  BITNET_B158_SHAPES,
  cacheBytes,
  exactly,
  judge,
  largestBatch,
  LLAMA_SHAPES,
  modelEnergy,
  productEnergyRatio,
  reportEnergyTable,
  throughputLimit,
  TWO_A100,
  weightBytes,
  type Claim,
  type JudgedClaim,
  type TransformerShape,
} from '@bitnet-notebooks/lib';
import { printedEnergies } from './figures.js';
import { B158_TABLE_1, B158_THROUGHPUT, LARGER_THAN, named } from './paper-tables.js';
import { B1, B158, REPORT } from '../record/sources.js';

/** What follows from shapes and operation energies alone. */
export function formulaClaims(): JudgedClaim[] {
  const claims = [memoryClaim(), ...energyClaims(), ...equivalenceClaims(), ...servingClaims()];
  return claims.map((claim) => judge({ kind: 'arithmetic', ...claim }));
}

type Draft = Omit<Claim, 'kind'>;

function memoryClaim(): Draft {
  const ratios = B158_TABLE_1.map(({ shape, memory }) => {
    const other = shape === '3.9B' ? '3B' : shape;
    const bytes = (name: string, bits: 2 | 16): number => weightBytes(named(BITNET_B158_SHAPES, name), bits);
    return { printed: memory.llama / memory.b158, ours: bytes(other, 16) / bytes(shape, 2) };
  });
  const { printed, ours } = ratios[2];
  return {
    claim: 'b1.58 takes 2.60 to 3.55 times less memory than LLaMA in fp16, 700M to 3.9B',
    source: `${B158}, Table 1`,
    paper: `${ratios.map((one) => one.printed.toFixed(2)).join(', ')}×, workspaces included`,
    measure: `bytes of all weights at 3B, fp16 / two bits with 16-bit embeddings (all four: ${ratios.map((one) => one.ours.toFixed(2)).join(', ')})`,
    ours: exactly(ours),
    digits: 2,
    expected: { atLeast: printed - 0.005, atMost: printed + 0.005 },
    untestable: 'the printed bytes hold workspaces that the paper does not list',
  };
}

function energyClaims(): Draft[] {
  const agreeing = (some: { agrees: boolean }[]): number => some.filter(({ agrees }) => agrees).length;
  const cells = bitnetEnergyTable();
  return [
    {
      claim: 'BitNet’s energy table follows from its formula',
      source: `${B1}, Table 1`,
      paper: '36 cells',
      measure: `cells that the formula gives within one of the last printed digit (${agreeing(cells)} to the digit)`,
      ours: exactly(cells.filter(({ ours, printed }) => Math.abs(ours - printed) < 0.015).length),
      digits: 0,
      expected: { atLeast: 36 },
    },
    {
      claim: 'The energies of the 2B4T report follow from the same formula, over 512 tokens',
      source: `${REPORT}, Table 1`,
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
    modelEnergyClaim(),
  ];
}

function modelEnergyClaim(): Draft {
  const rows = printedEnergies();
  const furthest = rows.toSorted(
    (a, b) => Math.abs(Math.log(b.ours / b.printed)) - Math.abs(Math.log(a.ours / a.printed)),
  )[0];
  return {
    claim: 'A model takes 18.6 to 41.2 times less arithmetic energy, 1.3B to 70B',
    headline: 3,
    source: `${B158}, Figure 3`,
    paper: `${rows.map(({ printed }) => printed).join(', ')}×`,
    measure:
      `the formula / the printed ratio at ${furthest.shape}, the furthest off ` +
      `(all: ${rows.map(({ ours }) => ours.toFixed(1)).join(', ')})`,
    ours: exactly(furthest.ours / furthest.printed),
    digits: 2,
    expected: { atLeast: 0.95, atMost: 1.05, ours: 'the margin' },
  };
}

/** "13B b1.58 is more efficient than 3B FP16" and the two like it: the smaller of the ratios of memory and of energy. */
function equivalenceClaims(): Draft[] {
  return LARGER_THAN.map(([large, small]) => {
    const shape = named(LLAMA_SHAPES, large);
    const memory = weightBytes(small, 16) / weightBytes(shape, 2);
    const energy = modelEnergy(small, 'fp16').total / modelEnergy(shape, 'bitnet').total;
    return {
      claim: `${large} b1.58 beats ${small.name} fp16 in memory and energy`,
      ...(large === '13B' && { headline: 3 }),
      source: `${B158}, section 3`,
      paper: 'said, without numbers',
      measure: `${small.name} fp16 / ${large} b1.58, the smaller of memory (${memory.toFixed(2)}) and energy (${energy.toFixed(2)})`,
      ours: exactly(Math.min(memory, energy)),
      digits: 2,
      expected: { above: 1 },
    };
  });
}

function servingClaims(): Draft[] {
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
      expected: { atLeast: 10.5, atMost: 11.5 },
      untestable:
        'the paper does not say what was reserved beside weights and cache, and the ratio hangs on it',
    },
    {
      claim: '70B on two 80 GB devices gives 8.9 times the throughput',
      source: `${B158}, Table 3`,
      paper: '8.9× (2977 and 333 tokens/s)',
      measure: 'limit by memory and arithmetic at the paper’s batches',
      ours: exactly(limit(2, b158.batch) / limit(16, llama.batch)),
      digits: 1,
      expected: { atLeast: 8.9 / 1.25, atMost: 8.9 * 1.25, ours: 'a quarter to either side' },
    },
  ];
}

/** Bytes to reserve so that a batch of full-precision sequences just fits: what the paper's workspaces must have taken. */
export function reservedForBatch(shape: TransformerShape, batch: number, tokens = 512): number {
  return TWO_A100.bytes - weightBytes(shape, 16) - batch * cacheBytes(shape, tokens);
}
