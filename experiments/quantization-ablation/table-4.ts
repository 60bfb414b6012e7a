/** The first paper's Table 4 (arXiv 2310.11453), crossed in full: three places for the norm, two scales for activations. */
import { interval, type Estimate } from '@bitnet-notebooks/lib';
import type { ArmResult, BlockResults } from './results.js';

/** A cell, by its names in the paper and by the arm that stands for it here. */
export interface Table4Cell {
  activations: 'absmax' | 'elastic';
  norm: 'SubLN' | 'Pre-LN' | 'BMT';
  arm: string;
  /** The paper's perplexity of subwords; two cells were not run there. Its order can be compared with ours, its size cannot. */
  paperPerplexity?: number;
}

export const TABLE_4: readonly Table4Cell[] = [
  { activations: 'absmax', norm: 'SubLN', arm: 'weights-sign', paperPerplexity: 20.34 },
  { activations: 'absmax', norm: 'Pre-LN', arm: 'table4-absmax-preln', paperPerplexity: 22.11 },
  { activations: 'absmax', norm: 'BMT', arm: 'table4-absmax-bmt', paperPerplexity: 22.98 },
  { activations: 'elastic', norm: 'SubLN', arm: 'table4-elastic-subln' },
  { activations: 'elastic', norm: 'Pre-LN', arm: 'table4-elastic-preln', paperPerplexity: 24.05 },
  { activations: 'elastic', norm: 'BMT', arm: 'table4-elastic-bmt' },
];

/** What a cell loses against absmax + SubLN, nats a character. */
export interface Table4Row extends Table4Cell {
  /** Place in the paper's order, 1 the best; absent where it was not run. */
  paperRank?: number;
  /** The arm at its own best rate; undefined where it has no runs. */
  own?: ArmResult;
  /** Each at its own best rate; absent for absmax + SubLN itself. */
  atOwnRate?: Estimate;
  /** Both at the rate of absmax + SubLN, as far as that was run. */
  atItsRate?: Estimate;
}

/** Table 4 cell by cell in a block; rows of arms without runs have no differences. */
export function table4({ block, arms, contrast, contrastAt }: BlockResults): Table4Row[] {
  const resultOf = (name: string): ArmResult | undefined =>
    arms.find(({ arm }) => arm === block.prefix + name);
  const reference = TABLE_4[0].arm;
  const rate = resultOf(reference)?.rate;
  const ranked = TABLE_4.flatMap(({ paperPerplexity }) => paperPerplexity ?? []).sort((a, b) => a - b);
  return TABLE_4.map((cell) => {
    const own = resultOf(cell.arm);
    const [tuned, matched] =
      cell.arm === reference
        ? []
        : [
            contrast(cell.arm, reference),
            rate === undefined ? undefined : contrastAt(rate, cell.arm, reference),
          ];
    return {
      ...cell,
      ...(cell.paperPerplexity !== undefined && { paperRank: ranked.indexOf(cell.paperPerplexity) + 1 }),
      ...(own && { own }),
      ...(tuned && { atOwnRate: interval(tuned) }),
      ...(matched && { atItsRate: interval(matched) }),
    };
  });
}
