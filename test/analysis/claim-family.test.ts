import { describe, expect, it } from 'vitest';
import { asFamily, isByItselfOnly } from '../../lib/analysis/claim-family.js';
import { judge, type Claim, type JudgedClaim } from '../../lib/analysis/claims.js';
import { formatVerdict } from '../../lib/analysis/claims-table.js';
import { interval, pValue, type Contrast } from '../../lib/analysis/contrast.js';

/** A claim on a difference of `value` with standard error 1 and many degrees of freedom. */
function claimOn(value: number, more: Partial<Claim> = {}): JudgedClaim {
  const contrast: Contrast = { value, standardError: 1, degrees: 1e6, count: 8 };
  return judge({
    claim: `difference of ${value}`,
    kind: 'trained models',
    source: 'a paper',
    paper: 'no number',
    measure: 'nats',
    ours: interval(contrast),
    contrast,
    expected: { above: 0 },
    ...more,
  });
}

describe('asFamily', () => {
  it('adjusts p values by Holm: the smallest times their number, the next times one less', () => {
    // Two-sided p of 3.5 and 2.5 standard errors: 0.000465 and 0.01242.
    const [strong, weak, none] = asFamily([claimOn(3.5), claimOn(2.5), claimOn(0.1)]);
    expect(strong.adjustedP).toBeCloseTo(3 * 0.000465, 5);
    expect(weak.adjustedP).toBeCloseTo(2 * 0.01242, 4);
    expect(none).toMatchObject({ verdict: 'underpowered', familySize: 3 });
  });

  it('says of a verdict that it stands by itself only', () => {
    const family = asFamily([claimOn(2.2), ...Array.from({ length: 9 }, (_, i) => claimOn(0.1 * i))]);
    expect(family[0].verdict).toBe('agrees');
    expect(isByItselfOnly(family[0])).toBe(true);
    expect(formatVerdict(family[0])).toMatch(/^agrees by itself; not among 10 claims \(Holm: p = 0\.28\)$/);
    expect(isByItselfOnly(asFamily([claimOn(5), claimOn(0)])[0])).toBe(false);
    expect(formatVerdict(asFamily([claimOn(5)])[0])).toBe('agrees');
  });

  it('measures from the nearest edge of the rule: of a margin, and of what counts as an effect', () => {
    const matches = claimOn(1, { expected: { atLeast: -5, atMost: 5 } });
    expect(asFamily([matches])[0].adjustedP).toBeCloseTo(pValue(matches.contrast!, 5), 12);
    const small = claimOn(0, { expected: { above: 0, least: 4 } });
    expect(small.verdict).toBe('disagrees');
    expect(asFamily([small])[0].adjustedP).toBeCloseTo(pValue(small.contrast!, 4), 12);
  });

  it('leaves out what has no luck in it, and what is not judged', () => {
    const others = [claimOn(2.2, { kind: 'arithmetic' }), claimOn(2.2, { untestable: 'no machine' })];
    expect(asFamily(others)).toEqual(others);
    expect(asFamily([...others, claimOn(2.2)]).map(({ familySize }) => familySize)).toEqual([
      undefined,
      undefined,
      1,
    ]);
    expect(asFamily([])).toEqual([]);
  });

  it('takes a Student’s interval for what it is', () => {
    const { contrast: _, ...bare } = claimOn(0);
    const ours = { value: 1, low: 0.1, high: 1.9, count: 4 };
    const [judged] = asFamily([judge({ ...bare, ours })]);
    // The interval ends 0.9 from its middle at t(3) = 3.182: zero lies 3.536 standard errors away.
    const contrast = { value: 1, standardError: 0.9 / 3.1824463, degrees: 3, count: 4 };
    expect(judged.adjustedP).toBeCloseTo(pValue(contrast), 6);
  });
});
