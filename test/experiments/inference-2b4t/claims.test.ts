import { describe, expect, it } from 'vitest';
import { inferenceClaims, type InferenceFindings } from '../../../experiments/inference-2b4t/claims.js';

const FINDINGS: InferenceFindings = {
  tritShares: [
    { minus: 0.34, zero: 0.32, plus: 0.34 },
    { minus: 0.33, zero: 0.34, plus: 0.33 },
  ],
  checkedProducts: 100,
  equalProducts: 100,
  tokenMs: 28,
};

function verdicts(changes: Partial<InferenceFindings>): string[] {
  return inferenceClaims({ ...FINDINGS, ...changes }).map(({ verdict }) => verdict);
}

describe('inferenceClaims', () => {
  it('says of each claim whether it agrees', () => {
    expect(verdicts({})).toEqual(Array(5).fill('agrees'));
  });

  it('can disagree, and leaves open what this machine or a spread cannot decide', () => {
    expect(verdicts({ tritShares: [{ minus: 0.1, zero: 0.8, plus: 0.1 }] })[0]).toBe('disagrees');
    const spread = [
      { minus: 0.33, zero: 0.34, plus: 0.33 },
      { minus: 0.27, zero: 0.46, plus: 0.27 },
    ];
    expect(verdicts({ tritShares: spread })[0]).toBe('underpowered');
    expect(verdicts({ equalProducts: 99 })[1]).toBe('disagrees');
    expect(verdicts({ tokenMs: 60 })[3]).toBe('untestable here');
  });

  it("gives the report's energy by the papers' formula", () => {
    const { ours } = inferenceClaims(FINDINGS).at(-1)!;
    expect(ours.value).toBeCloseTo(0.028, 3);
  });
});
