import { describe, expect, it } from 'vitest';
import { judge, type Claim, type Expectation } from '../../lib/analysis/claims.js';
import {
  claimsTable,
  formatEstimate,
  formatExpectation,
  formatVerdict,
  verdictCounts,
} from '../../lib/analysis/claims-table.js';
import { exactly, meanInterval, pairedDifference, type Estimate } from '../../lib/analysis/statistics.js';

/** Made-up losses of two arms by seed, held against "the first is lower". */
function lower(ours: number[], reference: number[]): Claim {
  return {
    claim: 'ours is better',
    kind: 'trained models',
    source: 'a paper, Table 1',
    paper: '−0.5',
    measure: 'ours − reference, nats',
    ours: pairedDifference(ours, reference),
    expected: { below: 0 },
  };
}

const held = (expected: Expectation, [low, high]: readonly [number, number]): string => {
  const ours: Estimate = { value: (low + high) / 2, low, high, count: 3 };
  return judge({ ...lower([1], [1]), expected, ours }).verdict;
};

describe('judge', () => {
  it.each([
    ['better, by its sign', { below: 0 }, [-0.3, -0.1], [0.1, 0.3], [-0.1, 0.1]],
    ['better, the other way', { above: 0 }, [0.1, 0.3], [-0.3, -0.1], [-0.1, 0.1]],
    ['better by anything that counts', { above: 0, least: 0.05 }, [0.01, 0.3], [-0.02, 0.04], [-0.1, 0.1]],
    [
      'matches, within a margin',
      { atLeast: -0.02, atMost: 0.02 },
      [-0.01, 0.015],
      [0.03, 0.05],
      [0.01, 0.03],
    ],
    ['costs no more than a margin', { atMost: 0.02 }, [-1, 0.015], [0.03, 0.05], [0.01, 0.03]],
    [
      'a printed number, by its last digit',
      { atLeast: 71.35, atMost: 71.45 },
      [71.4, 71.4],
      [72, 72],
      [71, 72],
    ],
  ] as const)('comes out each way: %s', (_, expected, agrees, disagrees, open) => {
    expect(held(expected, agrees)).toBe('agrees');
    expect(held(expected, disagrees)).toBe('disagrees');
    expect(held(expected, open)).toBe('underpowered');
  });

  it('does not take an edge for better', () => {
    expect(held({ above: 0 }, [0, 0])).toBe('disagrees');
    expect(held({ atLeast: 0 }, [0, 0])).toBe('agrees');
  });

  it('says what an open comparison could have shown, and what it takes', () => {
    // Differences −0.1, 0, 0.4: mean 0.1, standard error 0.153, t = 4.303 and 1.061 at two degrees of freedom.
    const { verdict, power } = judge({ ...lower([1], [1]), ours: meanInterval([-0.1, 0, 0.4]) });
    expect(verdict).toBe('underpowered');
    expect(power?.smallestVisible).toBeCloseTo(0.15275 * (4.30265 + 1.06066), 4);
    expect(power?.repeats).toBe(Math.ceil(3 * (power!.smallestVisible / 0.1) ** 2));
    const one = judge(lower([1], [2]));
    expect(one.power).toMatchObject({ smallestVisible: Infinity, repeats: Infinity });
    expect(formatVerdict(one)).toBe('underpowered: nothing was repeated that would show its spread');
  });

  it('asks for more seeds where the effect is smaller, and counts what was repeated', () => {
    const repeats = (shift: number): number =>
      judge({ ...lower([1], [1]), ours: meanInterval([-0.2 + shift, shift, 0.2 + shift]) }).power!.repeats;
    expect(repeats(0.01)).toBeGreaterThan(repeats(0.02));
    const sizes = judge({
      ...lower([1], [1]),
      ours: meanInterval([-0.1, 0, 0.4]),
      repeats: { of: 'sizes', count: 7 },
      contrast: { value: 0.1, standardError: 0.1, degrees: 5, count: 7 },
    });
    expect(formatVerdict(sizes)).toMatch(
      /^underpowered: 0\.349 or more would show; about \d+ sizes would decide it$/,
    );
  });

  it('judges nothing where nothing can be measured', () => {
    const claim = { ...lower([1, 1, 1], [2, 2, 2]), untestable: 'it takes 3 B parameters' };
    expect(judge(claim).verdict).toBe('untestable here');
    expect(formatVerdict(judge(claim))).toBe('untestable here: it takes 3 B parameters');
  });

  it('takes runs that diverged for infinitely bad', () => {
    const ours = pairedDifference([Infinity, Infinity, Infinity], [1, 2, 3]);
    expect(judge({ ...lower([1], [1]), expected: { above: 0 }, ours }).verdict).toBe('agrees');
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
  it('shows claim, source, both numbers, the rule and the verdict', () => {
    expect(claimsTable([judge(lower([1, 1, 1], [1.5, 1.5, 1.5]))]).at(-1)).toBe(
      '| ours is better | a paper, Table 1 | −0.5 | ours − reference, nats: −0.500 | < 0 | **agrees** |',
    );
  });

  it('says whose a margin is', () => {
    expect(formatExpectation({ atLeast: -0.02, atMost: 0.02, ours: 'the margin' })).toBe(
      '−0.02 to 0.02 (ours: the margin)',
    );
    expect(formatExpectation({ above: 0, least: 0.01 })).toBe('> 0, by 0.01 or more');
  });

  it('writes intervals, infinities and digits', () => {
    expect(formatEstimate({ value: -0.5, low: -Infinity, high: 0.25, count: 1 })).toBe('−0.500 [−∞, 0.250]');
    expect(formatEstimate(exactly(1180), 0)).toBe('1180');
  });
});

it('counts verdicts by the kind of claim', () => {
  const speed = { ...lower([1], [1]), kind: 'speed of our kernel' as const, ours: exactly(1) };
  expect(verdictCounts([judge(lower([1, 1, 1], [2, 2, 2])), judge(speed)])).toEqual([
    '| claims on | agrees | disagrees | underpowered | untestable here |',
    '|---|---|---|---|---|',
    '| trained models | 1 | 0 | 0 | 0 |',
    '| speed of our kernel | 0 | 1 | 0 | 0 |',
  ]);
});
