/**
 * The papers' claims that the quantization ablation can be held against. Each can come out each way: "better" needs an interval
 * beyond zero, "matches" one within ±0.02 nats (design.md).
 */
import { asFamily, judge, type JudgedClaim } from '@bitnet-notebooks/lib';
import { levelClaims, sizeClaims } from './claims-levels.js';
import { activationClaims, normClaims } from './claims-layers.js';
import { rateClaims, recipeClaims } from './claims-training.js';
import { ablationResults } from './results.js';
import { stabilityResults } from './stability-results.js';
import type { FinishedRun } from '../sweep/finished-run.js';

/** Every claim whose arms have results, as one family for Holm's procedure. */
export function ablationClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  const blocks = ablationResults(finished);
  const [small, a, thin] = ['small', 'a', 'thin'].map((name) =>
    blocks.find(({ block }) => block.name === name),
  );
  const drafts = [
    ...sizeClaims(small, a),
    ...levelClaims(small),
    ...activationClaims(small),
    ...normClaims(small, thin),
    ...recipeClaims(small),
    ...rateClaims(small, stabilityResults(finished)),
  ];
  return asFamily(drafts.flatMap((draft) => (draft ? [judge(draft)] : [])));
}
