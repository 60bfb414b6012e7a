import { describe, expect, it } from 'vitest';
import {
  stabilityResults,
  octavesBorne,
} from '../../../experiments/quantization-ablation/stability-results.js';
import { STABILITY_RATES } from '../../../experiments/quantization-ablation/stability.js';
import {
  ablationResults,
  armResults,
  type BlockResults,
} from '../../../experiments/quantization-ablation/results.js';
import { tunedRate } from '../../../experiments/quantization-ablation/rates.js';
import { ablationTable, bitsPerByte } from '../../../experiments/quantization-ablation/table.js';
import { table4 } from '../../../experiments/quantization-ablation/table-4.js';
import { lossOf, type FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { seedOf } from '../../../experiments/sweep/by-seed.js';
import { interval } from '../../../lib/index.js';
import { finishedWith } from './made-up-losses.js';

const CHANGES = {
  'weights-sign': 0.1,
  'a-full-precision': -0.07,
  'thin-table4-absmax-preln': 0.08,
  'table4-elastic-preln': 0.2,
};
const finished = finishedWith(CHANGES);
const blocks = ablationResults(finished);
const blockOf = (name: string, runs: readonly FinishedRun[] = finished): BlockResults =>
  ablationResults(runs).find(({ block }) => block.name === name)!;
const small = blocks[0];

const without = (left: (run: FinishedRun) => boolean): FinishedRun[] => finished.filter((run) => !left(run));
const isFinal = (arm: string, seed: number) => (run: FinishedRun) =>
  run.arm === arm && run.role === 'final' && seedOf(run) === seed;

/** The run with other results, as by another machine or luck. */
const changed = (is: (run: FinishedRun) => boolean, change: Partial<FinishedRun>): FinishedRun[] =>
  finished.map((run) => (is(run) ? { ...run, ...change } : run));

describe('ablationResults', () => {
  it('finds true differences in every block, within the interval that it gives', () => {
    expect(blocks.map(({ block }) => block.name)).toEqual(['small', 'a', 'thin']);
    for (const [block, arm, against, truth] of [
      ['small', 'weights-sign', 'b1.58', 0.1],
      ['small', 'activations-none', 'b1.58', 0],
      ['a', 'b1.58', 'full-precision', 0.07],
      ['thin', 'table4-absmax-preln', 'weights-sign', 0.08],
    ] as const) {
      const { low, high } = interval(blockOf(block).contrast(arm, against)!);
      expect(low, arm).toBeLessThan(truth);
      expect(high, arm).toBeGreaterThan(truth);
      expect(high - low).toBeLessThan(0.03);
    }
  });

  it('speaks of the test part, and of validation nowhere', () => {
    const blind = finished.map((run) => (run.role === 'final' ? { ...run, validationLoss: 9 } : run));
    expect(armResults(blind).map(({ losses }) => losses)).toEqual(
      armResults(finished).map(({ losses }) => losses),
    );
  });

  it('adds the uncertainty of both rates, and takes none where both are given', () => {
    // Two arms of equally many seeds: the difference is that of their means.
    const [own, other] = ['activations-int4-not-down', 'b1.58'].map((name) =>
      small.arms.find(({ arm }) => arm === name)!,
    );
    const atBest = small.contrast('activations-int4-not-down', 'b1.58')!;
    const bare = small.contrastAt(own.rate, 'activations-int4-not-down', 'activations-int4-not-down')!;
    expect(bare).toMatchObject({ value: 0 });
    const raw = own.loss.value - other.loss.value;
    expect(atBest.value).toBeCloseTo(raw - own.curve.cost + other.curve.cost, 3);
  });

  it('compares cells of Table 4 at their own rates and at that of absmax + SubLN', () => {
    const rows = table4(small);
    const common = tunedRate('weights-sign', finished)!;
    const cell = rows.find(({ arm }) => arm === 'table4-elastic-preln')!;
    expect(cell.own!.rate).not.toBe(common);
    expect(cell.atOwnRate!.value).toBeCloseTo(0.1, 1);
    // At a rate of another arm the made-up loss is higher by 0.05 an octave².
    const off = 0.05 * Math.log2(common / 0.012) ** 2;
    expect(cell.atItsRate!.value).toBeCloseTo(0.1 + off, 1);
    expect(cell.atItsRate!.value).toBeGreaterThan(cell.atOwnRate!.value);
    expect(rows.map(({ paperRank }) => paperRank)).toEqual([1, 2, 3, undefined, 4, undefined]);
  });

  it('names seeds that are missing, and still compares by what there is', () => {
    const runs = without(isFinal('weights-sign', 2));
    const { notes, contrast } = blockOf('small', runs);
    expect(notes.join('\n')).toContain('Seeds missing: weights-sign (2).');
    expect(contrast('weights-sign', 'b1.58')!.value).toBeCloseTo(
      small.contrast('weights-sign', 'b1.58')!.value,
      2,
    );
    expect(ablationTable(runs).join('\n')).toContain('Seeds missing: weights-sign (2).');
    expect(small.notes.join('\n')).not.toContain('missing');
  });

  it('counts an arm with a run that diverged as lost, names the run, and leaves the others alone', () => {
    const is = isFinal('weights-sign', 3);
    const lost = { validationLoss: null, test: undefined, diverged: { step: 5, message: 'a NaN' } };
    const { notes, contrast } = blockOf('small', changed(is, lost));
    expect(contrast('weights-sign', 'b1.58')!.value).toBe(Infinity);
    expect(notes.join('\n')).toMatch(/Diverged, and counted as an infinite loss: weights-sign-lr.*-seed3\./);
    expect(contrast('norm-preln', 'b1.58')!.value).toBeCloseTo(
      small.contrast('norm-preln', 'b1.58')!.value,
      2,
    );
  });

  it('lets an arm that scatters more keep its own spread, and says so', () => {
    const wild = finished.map((run) =>
      run.arm === 'weights-2bit' && run.test
        ? { ...run, test: { ...run.test, loss: run.test.loss + 0.3 * (-1) ** seedOf(run) } }
        : run,
    );
    const { notes, contrast } = blockOf('small', wild);
    expect(notes.join('\n')).toContain('judged by their own spread: weights-2bit.');
    expect(contrast('weights-2bit', 'b1.58')!.standardError).toBeGreaterThan(0.1);
    expect(contrast('norm-preln', 'b1.58')!.standardError).toBeLessThan(0.02);
  });

  it('says of an arm that it is tuned and not reported yet, and of one that diverged at every rate', () => {
    const runs = without((run) => run.arm === 'swiglu' && run.role === 'final');
    expect(blockOf('small', runs).notes.join('\n')).toContain('Tuned, but not yet reported: swiglu.');
    const hopeless = finishedWith({ ...CHANGES, 'weights-zero-one': null });
    const { notes, contrast } = blockOf('small', hopeless);
    expect(notes.join('\n')).toContain('Diverged at every rate: weights-zero-one.');
    expect(contrast('weights-zero-one', 'b1.58')!.value).toBe(Infinity);
    expect(contrast('b1.58', 'weights-zero-one')).toBeUndefined();
  });

  it('averages neither versions nor lengths', () => {
    const versions = { node: 'v20', project: '9.9.9', packages: {} };
    expect(() => ablationResults(changed(isFinal('b1.58', 1), { versions }))).toThrow(
      'average 2 layers, 64 wide: all runs must be made by one version',
    );
    const [one] = finished.filter(isFinal('b1.58', 1));
    const training = { ...one.training, steps: 7 };
    expect(() => ablationResults(changed(isFinal('b1.58', 1), { training }))).toThrow(
      'all reported runs must have one length, got 7 and 1200 steps',
    );
  });

  it('has nothing to say of no runs', () => {
    expect(ablationResults([])).toEqual([]);
    expect(ablationTable([])).toEqual(['No arm has final runs yet.']);
  });
});

describe('ablationTable', () => {
  const lines = ablationTable(finished);

  it('has a line for each arm of each block, with n and the octaves of its rate', () => {
    for (const { arm, losses } of armResults(finished)) {
      const own = lines.filter((line) => line.startsWith(`| ${arm} | `));
      expect(own.length, arm).toBeGreaterThanOrEqual(1);
      expect(own[0]).toMatch(new RegExp(`± 0\\.\\d\\d octaves \\| ${losses.length} \\|`));
    }
  });

  it('gives a loss in bits a byte beside nats a character', () => {
    expect(bitsPerByte(Math.LN2)).toBe(1);
    const row = lines.find((line) => line.startsWith('| b1.58 |'))!;
    const { value } = armResults(finished)[0].loss;
    expect(row).toContain(` ${value.toFixed(3)} [`);
    expect(row).toContain(` ${(value / Math.log(2)).toFixed(3)} |`);
  });
});

describe('stabilityResults', () => {
  // Losses rise by 0.05 nats an octave²: 0.1 nats lie √2 octaves above the best rate, before interpolation.
  const [full, ternary] = stabilityResults(finished);

  it('interpolates the largest rate that each seed bears, by log rate', () => {
    expect(full.rates).toEqual(STABILITY_RATES);
    // Between one octave off (0.05 nats) and two (0.2) 0.1 nats lie a third of the way up; a seed lies 0.01 nats above the one before.
    for (const [seed, rate] of ternary.largest) {
      const left = 0.1 - 0.01 * (seed - 3.5);
      const octaves = 1 + (left - 0.05) / 0.15;
      expect(Math.abs(Math.log2(rate / 0.012) - octaves), `seed ${seed}`).toBeLessThan(0.1);
    }
    const octaves = octavesBorne(ternary, full)!;
    expect(octaves.count).toBe(6);
    expect(octaves.value).toBeCloseTo(1, 0);
  });

  it('stops at the last rate before one that diverged, and counts what diverged', () => {
    const isLost = (run: FinishedRun): boolean =>
      run.arm === 'stability-full-precision' && run.training.schedule.peak >= 0.012;
    const lost = { validationLoss: null, test: undefined, diverged: { step: 5, message: 'a NaN' } };
    const [cut] = stabilityResults(changed(isLost, lost));
    expect([...cut.largest.values()]).toEqual(Array(6).fill(6e-3));
    expect(cut.diverged).toBe(30);
    expect(cut.isBeyond).toBe(false);
  });

  it('says where no rate was too large', () => {
    const flat = finished.map((run) =>
      run.arm === 'stability-b1.58' ? { ...run, test: { loss: 2, tokens: 1 } } : run,
    );
    expect(stabilityResults(flat)[1]).toMatchObject({ isBeyond: true });
  });

  it('holds the rate tuned at half length against the best at full length', () => {
    const { transfer } = ternary;
    expect(transfer!.tuned).toBe(tunedRate('b1.58', finished));
    expect(transfer!.curve.best / 0.012).toBeCloseTo(1, 0);
    expect(transfer!.cost).toBeGreaterThanOrEqual(0);
    expect(transfer!.cost).toBeLessThan(0.02);
  });

  it('knows test losses only of runs that have them', () => {
    const runs = finished.filter(({ arm }) => arm === 'stability-b1.58');
    expect(Math.min(...runs.map(lossOf))).toBeGreaterThan(1.9);
  });
});
