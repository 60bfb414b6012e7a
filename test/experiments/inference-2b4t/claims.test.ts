import { describe, expect, it } from 'vitest';
import { inferenceClaims, type InferenceFindings } from '../../../experiments/inference-2b4t/claims.js';

const FINDINGS: InferenceFindings = {
  tritShares: [
    { minus: 0.34, zero: 0.32, plus: 0.34 },
    { minus: 0.33, zero: 0.34, plus: 0.33 },
  ],
  linearValues: 4000,
  linearBytes: 1000,
  zerosByLayer: [0.9, 0.88, 0.91],
  checkedProducts: 100,
  equalProducts: 100,
  tokenMs: 28,
};

function verdicts(changes: Partial<InferenceFindings>): string[] {
  return inferenceClaims({ ...FINDINGS, ...changes }).map(({ verdict }) => verdict);
}

describe('inferenceClaims', () => {
  it('says of each claim whether it holds; two bits a weight are not 0.4 GB', () => {
    const held = 'reproduced';
    expect(verdicts({})).toEqual([held, held, held, 'contradicted', held, held]);
    expect(verdicts({ linearBytes: (4000 * Math.log2(3)) / 8 })[3]).toBe(held);
  });

  it('can contradict, and leaves open what a machine or a spread cannot decide', () => {
    expect(verdicts({ tritShares: [{ minus: 0.1, zero: 0.8, plus: 0.1 }] })[0]).toBe('contradicted');
    expect(verdicts({ equalProducts: 99 })[1]).toBe('contradicted');
    expect(verdicts({ zerosByLayer: [0.5, 0.52, 0.49] })[2]).toBe('contradicted');
    expect(verdicts({ zerosByLayer: [0.99, 0.6, 0.8] })[2]).toBe('not at this scale');
    expect(verdicts({ tokenMs: 60 })[4]).toBe('not at this scale');
  });

  it("gives the report's energy by the papers' formula", () => {
    const { ours } = inferenceClaims(FINDINGS).at(-1)!;
    expect(ours.value).toBeCloseTo(0.028, 3);
  });
});
