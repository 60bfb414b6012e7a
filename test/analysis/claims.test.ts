import { describe, expect, it } from 'vitest';
import { claimsTable, formatEstimate, judge, type Claim } from '../../lib/analysis/claims.js';
import { exactly, meanInterval, pairedDifference } from '../../lib/analysis/statistics.js';

/** Made-up losses of two arms by seed, held against "the first is lower". */
function lower(ours: number[], reference: number[], claimedFrom?: string): Claim {
  return {
    claim: 'ours is better',
    source: 'a paper, Table 1',
    paper: '−0.5',
    measure: 'ours − reference, nats',
    ours: pairedDifference(ours, reference),
    expected: { atMost: 0 },
    claimedFrom,
  };
}

describe('judge', () => {
  it('reproduces where the whole interval lies where the claim puts it', () => {
    expect(judge(lower([1, 1.1, 1.2], [1.5, 1.61, 1.69])).verdict).toBe('reproduced');
  });

  it('contradicts where none of it does', () => {
    expect(judge(lower([1.5, 1.61, 1.69], [1, 1.1, 1.2])).verdict).toBe('contradicted');
  });

  it('does not decide across the edge, nor from one seed', () => {
    expect(judge(lower([1, 1.1, 1.2], [1.1, 1.05, 1.3])).verdict).toBe('not at this scale');
    expect(judge(lower([1], [2])).verdict).toBe('not at this scale');
  });

  it('does not contradict what is claimed for larger models alone', () => {
    expect(judge(lower([1.5, 1.61, 1.69], [1, 1.1, 1.2], '3 B parameters')).verdict).toBe(
      'not at this scale',
    );
    expect(judge(lower([1, 1.1, 1.2], [1.5, 1.61, 1.69], '3 B parameters')).verdict).toBe('reproduced');
  });

  it('takes runs that diverged for infinitely bad', () => {
    const worse = { ...lower([1], [1]), expected: { atLeast: 0 } };
    const ours = pairedDifference([Infinity, Infinity, Infinity], [1, 2, 3]);
    expect(judge({ ...worse, ours }).verdict).toBe('reproduced');
  });

  it('holds a margin on both sides for "no difference"', () => {
    const same = { ...lower([1], [1]), expected: { atLeast: -0.02, atMost: 0.02 } };
    expect(judge({ ...same, ours: meanInterval([0.001, -0.002, 0]) }).verdict).toBe('reproduced');
    expect(judge({ ...same, ours: meanInterval([0.1, -0.1, 0]) }).verdict).toBe('not at this scale');
    expect(judge({ ...same, ours: exactly(0.1) }).verdict).toBe('contradicted');
  });

  it('refuses a claim that cannot fail and an interval that is none', () => {
    const claim = lower([1, 2], [1, 3]);
    expect(() => judge({ ...claim, expected: {} })).toThrow('must leave something to fail');
    expect(() => judge({ ...claim, expected: { atLeast: 1, atMost: 0 } })).toThrow('must leave something');
    const ours = { value: NaN, low: 0, high: 1, count: 2 };
    expect(() => judge({ ...claim, ours })).toThrow('interval must hold its value, got NaN in [0, 1]');
  });
});

describe('claimsTable', () => {
  it('shows claim, source, both numbers, what was expected and the verdict', () => {
    expect(claimsTable([judge(lower([1, 1, 1], [1.5, 1.5, 1.5]))]).at(-1)).toBe(
      '| ours is better | a paper, Table 1 | −0.5 | ours − reference, nats: −0.500 | ≤ 0 | **reproduced** |',
    );
  });

  it('writes intervals, infinities and digits', () => {
    expect(formatEstimate({ value: -0.5, low: -Infinity, high: 0.25, count: 1 })).toBe('−0.500 [−∞, 0.250]');
    expect(formatEstimate(exactly(1180), 0)).toBe('1180');
  });
});
