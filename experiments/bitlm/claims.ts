/** What the first experiment says of a ternary layer, by one model each; notebook 1 compares arms, seed by seed. */
import { exactly, judge, type Claim, type Estimate, type JudgedClaim } from '@bitnet-notebooks/lib';
import { finalRuns, lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { FIRST_README, NANO_GPT } from './results.js';
import { B1 } from '../record/sources.js';

type Draft = Omit<Claim, 'ours'> & { ours: Estimate | undefined };

/** Every claim whose runs have ended. */
export function bitlmClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  const lossOfModel = (arm: string): Estimate | undefined => {
    const run = finalRuns(finished).find((one) => one.arm === arm);
    return run && exactly(lossOf(run));
  };
  const drafts: Draft[] = [
    {
      claim: 'BitLinear is a drop-in for a linear layer: a model of them learns as one of plain layers does',
      kind: 'trained models',
      headline: 1,
      source: `${B1}, section 2`,
      paper: `no number; nanoGPT reports ${NANO_GPT} for this shape and these steps in full precision`,
      measure: 'validation loss of this ternary model, configuration A, nats per character',
      ours: lossOfModel('a-ternary'),
      expected: { atMost: NANO_GPT },
    },
    {
      claim: 'A ternary model passes the README that this project grew from',
      kind: 'self-check',
      source: 'this project',
      paper: `${FIRST_README} after 43,500 steps of 3.7 M parameters`,
      measure: 'validation loss of this ternary model of 3.56 M, nats per character',
      ours: lossOfModel('embedded'),
      expected: { below: FIRST_README },
    },
  ];
  return drafts.filter((draft): draft is Claim => draft.ours !== undefined).map(judge);
}
