/** What the first experiment says of a ternary layer, by runs of one seed. */
import { exactly, judge, type Claim, type Estimate, type JudgedClaim } from '@bitnet-notebooks/lib';
import { bySeed, differenceBySeed } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { finalRuns, FIRST_README, NANO_GPT } from './results.js';

/** Differences below this count as none: two percent of perplexity. */
const MARGIN = 0.02;

type Draft = Omit<Claim, 'ours'> & { ours: Estimate | undefined };

/** Every claim whose runs have ended. */
export function bitlmClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  const losses = (arm: string): Map<number, number> => {
    const runs = bySeed(finalRuns(finished).filter((run) => run.arm === arm));
    return new Map([...runs].map(([seed, run]) => [seed, lossOf(run)]));
  };
  const lossOfModel = (arm: string): Estimate | undefined => {
    const [loss] = losses(arm).values();
    return loss === undefined ? undefined : exactly(loss);
  };
  const drafts: Draft[] = [
    {
      claim: 'BitLinear is a drop-in for a linear layer',
      source: 'BitNet (2310.11453), section 2',
      paper: `no number; nanoGPT reports ${NANO_GPT} for this shape and these steps in full precision`,
      measure: 'validation loss of this ternary model, configuration A, nats per character',
      ours: lossOfModel('a-ternary'),
      expected: { atMost: NANO_GPT },
    },
    {
      claim: 'Ternary comes close to full precision',
      source: 'BitNet b1.58 (2402.17764), Table 1',
      paper: '+0.043 nats at 700 M, −0.013 at 3 B',
      measure: 'ternary − full precision, configuration A, nats',
      ours: differenceBySeed(losses('a-ternary'), losses('a-full-precision')),
      expected: { atMost: MARGIN },
      claimedFrom: '3 B parameters',
    },
    {
      claim: 'A ternary model passes the README that this project grew from',
      source: 'this project',
      paper: `${FIRST_README} after 43,500 steps of 3.7 M parameters`,
      measure: 'validation loss of this ternary model of 3.56 M, nats per character',
      ours: lossOfModel('embedded'),
      expected: { atMost: FIRST_README },
    },
  ];
  return drafts.filter((draft): draft is Claim => draft.ours !== undefined).map(judge);
}
