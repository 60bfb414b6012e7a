import { describe, expect, it } from 'vitest';
import { ARMS, AXES, findArm, type Arm } from '../../../experiments/quantization-ablation/arms.js';
import { ablationClaims } from '../../../experiments/quantization-ablation/claims.js';
import { armResults, isInsideGrid, tunedRate } from '../../../experiments/quantization-ablation/results.js';
import { ablationTable, table4, TABLE_4 } from '../../../experiments/quantization-ablation/table.js';
import { quantizationAblation } from '../../../experiments/quantization-ablation/experiment.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { Estimate } from '../../../lib/index.js';
import { ACTIVATION_QUANTIZERS, NORM_PLACEMENTS, WEIGHT_QUANTIZERS } from '../../../lib/config.js';
import { finishAll } from '../made-up-runs.js';

/** Rate that a made-up loss is lowest at; two arms want one far outside the grid. */
const OPTIMA: Record<string, number> = { 'weights-sign': 0.045, 'table4-elastic-bmt': 8e-4 };

/** What a made-up arm loses; every other arm loses nothing. */
function lossWith(changes: Record<string, number | null>): (spec: RunSpec) => number | null {
  return ({ arm, training }) => {
    const change = arm in changes ? changes[arm] : 0;
    if (change === null) return null;
    const { peak } = training.schedule;
    const seeds = training.seeds.batches * 0.1;
    const jitter = Math.sin(arm.length + training.seeds.batches) * 1e-3;
    return 2 + change + seeds + jitter + 0.1 * Math.log(peak / (OPTIMA[arm] ?? 6e-3)) ** 2;
  };
}

describe('the arms', () => {
  it('have names of their own and cover every axis', () => {
    expect(new Set(ARMS.map(({ name }) => name)).size).toBe(ARMS.length);
    expect(new Set(ARMS.map(({ axis }) => axis))).toEqual(new Set(AXES));
  });

  it('cover every quantizer, norm placement, straight-through estimator, schedule and feed-forward', () => {
    const values = <T>(of: (arm: Arm) => T): Set<T> => new Set(ARMS.map(of));
    // Three and six bits stand on the frontier of loss and bytes alone.
    const weights = WEIGHT_QUANTIZERS.filter((name) => !['absmax-3bit', 'absmax-6bit'].includes(name));
    expect(values(({ options }) => options.weight_quantizer)).toEqual(new Set(weights));
    const inputs = ARMS.flatMap(({ options }) => [
      options.activation_quantizer,
      options.output_activation_quantizer ?? options.activation_quantizer,
    ]);
    expect(new Set(inputs)).toEqual(new Set(ACTIVATION_QUANTIZERS));
    expect(values(({ options }) => options.norm_placement)).toEqual(new Set(NORM_PLACEMENTS));
    expect(values(({ options }) => options.straight_through)).toEqual(new Set(['identity', 'clipped']));
    expect(values(({ schedule, dropsDecay }) => `${schedule} ${dropsDecay}`).size).toBe(4);
    expect(values(({ activation }) => activation)).toEqual(new Set(['relu2', 'silu', 'gelu']));
  });

  it('change one thing against the arm that they are compared with; `two-stage` is the Tips’ pair of changes', () => {
    const parts = ({ options, schedule, dropsDecay, activation }: Arm): Record<string, unknown> => ({
      ...options,
      schedule,
      dropsDecay,
      activation,
    });
    for (const arm of ARMS) {
      const [own, other] = [parts(arm), parts(findArm(arm.against))];
      const keys = new Set([...Object.keys(own), ...Object.keys(other)]);
      const changed = [...keys].filter((key) => own[key] !== other[key]);
      const isPair =
        /^(full-precision-)?two-stage$/.test(arm.name) ||
        arm.name === 'full-precision' ||
        arm.name === 'activations-int4-not-down' ||
        /^table4-elastic-(preln|bmt)$/.test(arm.name);
      // Three sites of a4.8 are one recipe; the body of b1 has an activation of its own.
      const recipe = { 'activations-a4.8': 3, 'weights-sign-own-body': 2 }[arm.name] ?? (isPair ? 2 : 1);
      expect(changed.length, `${arm.name}: ${changed.join(', ')}`).toBeLessThanOrEqual(recipe);
    }
  });

  it('cross Table 4 in full', () => {
    const cells = TABLE_4.map(({ arm }) => findArm(arm).options);
    expect(new Set(cells.map((o) => `${o.activation_quantizer} ${o.norm_placement}`)).size).toBe(6);
    expect(cells.every((options) => options.weight_quantizer === 'sign')).toBe(true);
  });

  it('say which exist where one is asked for that does not', () => {
    expect(() => findArm('weights-3bit')).toThrow(/must be one of b1.58, .*got weights-3bit/);
  });
});

describe('the full preset', () => {
  const finished = finishAll(quantizationAblation, 'full', lossWith({}));
  const finals = finished.filter(({ role }) => role === 'final');

  it('has at least 20 arms with three fresh seeds each', () => {
    const results = armResults(finished);
    expect(results.length).toBeGreaterThanOrEqual(20);
    for (const { arm, bySeed } of results) expect([...bySeed.keys()], arm).toEqual([1, 2, 3]);
    const tuning = new Set(
      finished.filter(({ role }) => role === 'tune').map(({ training }) => training.seeds.batches),
    );
    expect(finals.some(({ training }) => tuning.has(training.seeds.batches))).toBe(false);
  });

  it('gives all arms the same data in the same order', () => {
    const isAtA = ({ arm }: RunSpec): boolean => arm.startsWith('a-');
    for (const group of [finals.filter(isAtA), finals.filter((run) => !isAtA(run))]) {
      const orders = new Set(
        group.map(({ corpus, training: { steps, batch, context } }) =>
          JSON.stringify([corpus, steps, batch, context]),
        ),
      );
      expect(orders.size).toBe(1);
    }
  });

  it('looks for rates outside the grid until the best is no edge', () => {
    for (const { arm } of armResults(finished)) expect(isInsideGrid(arm, finished), arm).toBe(true);
    expect(tunedRate('weights-sign', finished)).toBe(0.048);
  });

  it('runs the cells of Table 4 at the rate of their reference as well', () => {
    for (const { own, matched } of table4(finished)) {
      expect(matched?.rate).toBe(tunedRate('weights-sign', finished));
      expect(own?.losses.length).toBe(3);
    }
  });

  it('has a table with a line for each arm', () => {
    const lines = ablationTable(finished);
    for (const { name } of ARMS)
      expect(lines.filter((line) => line.startsWith(`| ${name} |`))).toHaveLength(1);
  });
});

describe('ablationClaims', () => {
  const verdict = (changes: Record<string, number | null>, claim: string): string | undefined =>
    ablationClaims(finishAll(quantizationAblation, 'full', lossWith(changes))).find((one) =>
      one.claim.startsWith(claim),
    )?.verdict;

  it('can come out each way', () => {
    expect(verdict({ 'weights-sign': 0.1 }, 'Ternary weights beat')).toBe('agrees');
    expect(verdict({ 'weights-sign': 0 }, 'Ternary weights beat')).toBe('disagrees');
    expect(verdict({ 'weights-sign': -0.1 }, 'Ternary weights beat')).toBe('disagrees');
  });

  it('takes a diverged arm for one that is worse', () => {
    expect(verdict({ 'weights-zero-one': 1 }, '{0, 1} is worse')).toBe('agrees');
    expect(verdict({ 'weights-zero-one': -0.1 }, '{0, 1} is worse')).toBe('disagrees');
    expect(verdict({ 'weights-zero-one': null }, '{0, 1} is worse')).toBe('agrees');
  });

  it('decides nothing where both arms diverged, and shows it', () => {
    const both = finishAll(quantizationAblation, 'full', (spec) => {
      const isLost = spec.role === 'final' && spec.training.seeds.weights === 1;
      return isLost ? null : lossWith({})(spec);
    });
    const claim = ablationClaims(both).find((one) => one.claim.startsWith('Ternary weights beat'))!;
    expect(claim).toMatchObject({ verdict: 'underpowered', ours: { low: -Infinity, high: Infinity } });
    expect(quantizationAblation.table(both).join('\n')).toContain('(no interval)');
  });

  it('holds what is trained here against claims at its own size', () => {
    expect(verdict({ 'a-full-precision': -0.3 }, 'Ternary meets')).toBe('disagrees');
    expect(verdict({ 'weights-8bit': -0.3 }, 'More levels')).toBe('disagrees');
  });

  it('leaves out what has no results', () => {
    expect(ablationClaims([])).toEqual([]);
  });

  it('compares the same seeds, whichever have ended', () => {
    const all = finishAll(quantizationAblation, 'full', lossWith({ 'weights-sign': 0.1 }));
    const without = (arm: string, seed: number): typeof all =>
      all.filter((run) => !(run.arm === arm && run.role === 'final' && run.training.seeds.weights === seed));
    const binary = (finished: typeof all): Estimate =>
      ablationClaims(finished).find(({ claim }) => claim.startsWith('Ternary weights beat'))!.ours;
    const [first] = all.filter(({ arm, role }) => arm === 'b1.58' && role === 'final');
    const seed = first.training.seeds.weights;
    // Losses differ by a tenth from seed to seed: a pair of two seeds would show it.
    for (const arm of ['weights-sign', 'b1.58']) {
      const { value, count } = binary(without(arm, seed));
      expect(value).toBeCloseTo(binary(all).value, 2);
      expect(count).toBe(2);
      expect(ablationTable(without(arm, seed)).at(-1)).toMatch(
        /^Differences over a part of the seeds: .*weights-sign \(2 of 3\)/,
      );
    }
    expect(ablationTable(all).join('\n')).not.toContain('part of the seeds');
  });
});

describe('the recorded results', () => {
  it('leave no arm at the edge of its rates, and hold three seeds of each', async () => {
    const { runs } = await readRecorded('quantization-ablation');
    const results = armResults(runs);
    expect(results.length).toBeGreaterThanOrEqual(20);
    for (const { arm, losses } of results) {
      expect(isInsideGrid(arm, runs), arm).toBe(true);
      expect(losses, arm).toHaveLength(3);
    }
  });

  it('bring b1.58 at configuration A to 1.90 nats or less', async () => {
    const { runs } = await readRecorded('quantization-ablation');
    expect(armResults(runs).find(({ arm }) => arm === 'a-b1.58')?.loss.value).toBeLessThanOrEqual(1.9);
  });
});
