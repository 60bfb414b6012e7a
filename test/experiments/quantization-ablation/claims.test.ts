import { describe, expect, it } from 'vitest';
import { ablationClaims } from '../../../experiments/quantization-ablation/claims.js';
import { seedOf } from '../../../experiments/sweep/by-seed.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import type { JudgedClaim } from '../../../lib/index.js';
import { finishedWith, type Changes } from './made-up-losses.js';

const claimsWith = (changes: Changes): JudgedClaim[] => ablationClaims(finishedWith(changes));
const find = (claims: readonly JudgedClaim[], beginning: string): JudgedClaim =>
  claims.find(({ claim }) => claim.startsWith(beginning))!;

const neutral = finishedWith({});

describe('ablationClaims', () => {
  // What makes a claim come out for and against, in nats.
  const bad = claimsWith({
    'weights-sign': 0.1,
    'weights-zero-one': 0.1,
    'weights-2bit': 0.1,
    'full-precision': -0.1,
    'full-precision-papers': -0.1,
    'a-full-precision': -0.1,
    'a-full-precision-papers': -0.1,
    'weights-8bit': -0.1,
    'weights-sign-groups': 0.2,
    'weights-sign-own-body': 0.2,
    'activations-int4-absmax': 0.1,
    'activations-int4-not-down': 0.1,
    'activations-int4-absmean': 0.1,
    'activations-a4.8': 0.1,
    'table4-absmax-preln': 0.2,
    'table4-absmax-bmt': 0.2,
    'table4-elastic-preln': 0.4,
    'thin-table4-absmax-preln': 0.1,
    'thin-table4-absmax-bmt': 0.1,
    'norm-none': 0.1,
    'two-stage': 0.1,
    'full-precision-two-stage': -0.3,
  });
  const level = ablationClaims(neutral);
  const better = claimsWith({ 'two-stage': -0.1 });

  it.each([
    ['Binary weights are worse', 'agrees', 'disagrees'],
    ['{0, 1} is worse', 'agrees', 'disagrees'],
    ['A larger γ', 'agrees', 'disagrees'],
    ['b1.58 matches full precision in the same body, 0.1 M', 'disagrees', 'agrees'],
    ['b1.58 matches the papers’ baseline (full precision, Pre-LN, SwiGLU), 0.1 M', 'disagrees', 'agrees'],
    ['b1.58 matches full precision in the same body, 0.8 M', 'disagrees', 'agrees'],
    ['b1.58 matches the papers’ baseline (full precision, Pre-LN, SwiGLU), 0.8 M', 'disagrees', 'agrees'],
    ['Three values for a weight match 8 bits', 'disagrees', 'agrees'],
    ['A scale for each group', 'disagrees', 'agrees'],
    ['b1 may be judged', 'disagrees', 'agrees'],
    ['4-bit activations hurt', 'agrees', 'disagrees'],
    ['… but not where', 'disagrees', 'agrees'],
    ['… and its int4', 'agrees', 'disagrees'],
    ['Int4 and int8 at the sites', 'disagrees', 'agrees'],
    ['SubLN is better than Pre-LN, 2 layers', 'agrees', 'disagrees'],
    ['SubLN is better than the norms of BMT, 2', 'agrees', 'disagrees'],
    ['SubLN is better than Pre-LN, 12 layers', 'agrees', 'disagrees'],
    ['SubLN is better than the norms of BMT, 12', 'agrees', 'disagrees'],
    ['Absmax is better than a learned', 'agrees', 'disagrees'],
    ['A quantized layer needs a norm', 'agrees', 'disagrees'],
    ['… and do not help', 'disagrees', 'agrees'],
  ])('%s: %s where it costs 0.1 nats, %s where it costs nothing', (claim, costly, free) => {
    expect(find(bad, claim).verdict).toBe(costly);
    // Nothing at all lies within noise of the edge: either word may be out of reach, the opposite one must be.
    expect([free, 'underpowered']).toContain(find(level, claim).verdict);
  });

  it('decides recipes both ways', () => {
    for (const claim of ['Two stages help', 'Weight decay is better dropped']) {
      expect(find(bad, claim).verdict, claim).toBe('disagrees');
      expect(find(better, claim).verdict, claim).toBe('agrees');
    }
    expect(find(level, 'The loss is S-shaped').verdict).toBe('disagrees');
  });

  it('reads larger rates off the lowest points of both curves, with an interval', () => {
    const { ours, verdict, paper } = find(level, 'Ternary models want');
    expect(ours.low).toBeLessThan(1);
    expect(ours.high).toBeGreaterThan(1);
    expect(verdict).toBe('agrees');
    expect(paper).toContain('2.6 octaves');
  });

  it('judges stability by seed, and leaves it where full precision bears every rate', () => {
    expect(find(level, 'b1.58 bears').verdict).toBe('agrees');
    const robust = neutral.map((run) =>
      run.arm === 'stability-full-precision' ? { ...run, test: { loss: 2, tokens: 1 } } : run,
    );
    expect(find(ablationClaims(robust), 'b1.58 bears').verdict).toBe('untestable here');
  });

  it('takes a diverged arm for one that is worse', () => {
    expect(find(claimsWith({ 'weights-zero-one': null }), '{0, 1} is worse').verdict).toBe('agrees');
  });

  it('decides nothing where both arms diverged', () => {
    const lost = { validationLoss: null, test: undefined, diverged: { step: 1, message: 'a NaN' } };
    const both = neutral.map((run) =>
      run.role === 'final' && seedOf(run) === 1 && !run.arm.startsWith('stability')
        ? { ...run, ...lost }
        : run,
    );
    // Every arm has lost a seed, so that none can be compared; where rates lie best is still known.
    const compared = ablationClaims(both).filter(({ contrast }) => contrast);
    expect(compared.map(({ claim }) => claim)).toEqual(['Ternary models want a larger learning rate']);
  });

  it('judges what has results, whichever blocks are complete', () => {
    expect(ablationClaims([])).toEqual([]);
    const only = (is: (run: FinishedRun) => boolean): string[] =>
      ablationClaims(neutral.filter(is)).map(({ claim }) => claim);
    const thin = only(({ arm }) => arm.startsWith('thin-'));
    expect(thin).toHaveLength(2);
    expect(thin.every((claim) => claim.includes('12 layers'))).toBe(true);
    expect(only(({ arm }) => arm.startsWith('a-')).every((claim) => claim.includes('0.8 M'))).toBe(true);
    expect(only(({ role }) => role === 'tune')).toEqual([]);
  });

  it('makes one family of the claims on trained models, and prints each once', () => {
    const family = level.filter(({ adjustedP }) => adjustedP !== undefined);
    expect(new Set(level.map(({ claim }) => claim)).size).toBe(level.length);
    expect(family.length).toBeGreaterThanOrEqual(25);
    expect(family.every(({ familySize }) => familySize === family.length)).toBe(true);
    expect(level.filter(({ kind }) => kind === 'self-check').every(({ adjustedP }) => !adjustedP)).toBe(true);
  });

  it('counts zeros before rounding as a lower bound, and judges nothing by it', () => {
    expect(find(level, 'Most of what enters').verdict).toBe('untestable here');
  });

  it('decides at least four claims on the laptop preset', () => {
    const laptop = ablationClaims(
      finishedWith({ 'weights-zero-one': 0.2, 'weights-sign': 0.05, 'full-precision': -0.08 }, 'laptop'),
    );
    const decided = laptop.filter(({ verdict }) => verdict === 'agrees' || verdict === 'disagrees');
    expect(decided.length).toBeGreaterThanOrEqual(4);
  });
});
