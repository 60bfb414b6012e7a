import { describe, expect, it } from 'vitest';
import { ARMS, AXES, findArm, type Arm } from '../../../experiments/quantization-ablation/arms.js';
import { blockOf, BLOCKS, nameIn } from '../../../experiments/quantization-ablation/blocks.js';
import { isInsideGrid } from '../../../experiments/quantization-ablation/rates.js';
import { ablationResults, armResults } from '../../../experiments/quantization-ablation/results.js';
import { TABLE_4 } from '../../../experiments/quantization-ablation/table-4.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import { ACTIVATION_QUANTIZERS, NORM_PLACEMENTS, WEIGHT_QUANTIZERS } from '../../../lib/ablation-options.js';
import { finishedWith } from './made-up-losses.js';

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
      // Three sites of a4.8 are one recipe; the body of b1 has an activation of its own; the papers' baseline is another model.
      const recipe =
        { 'activations-a4.8': 3, 'weights-sign-own-body': 2, 'full-precision-papers': 4 }[arm.name] ??
        (isPair ? 2 : 1);
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
  const finished = finishedWith({});
  const finals = finished.filter(({ role }) => role === 'final');

  it('reports every arm at the small size with three seeds or more, none of them a tuning seed', () => {
    const small = armResults(finished).filter(({ block }) => block.name === 'small');
    expect(small.map(({ arm }) => arm).sort()).toEqual(ARMS.map(({ name }) => name).sort());
    for (const { arm, losses } of armResults(finished)) expect(losses.length, arm).toBeGreaterThanOrEqual(3);
    const tuning = new Set(
      finished.filter(({ role }) => role === 'tune').map(({ training }) => training.seeds.batches),
    );
    expect(finals.some(({ training }) => tuning.has(training.seeds.batches))).toBe(false);
  });

  it('gives all arms of a block the same data in the same order, and judges them by the test part', () => {
    const blockNameOf = ({ arm }: RunSpec): string => blockOf(arm.replace(/^stability-/, '')).block.name;
    for (const { name } of BLOCKS) {
      const orders = finals
        .filter((run) => blockNameOf(run) === name)
        .map(({ corpus, testWindows, training: { steps, batch, context } }) =>
          JSON.stringify([corpus, testWindows, steps, batch, context]),
        );
      expect(new Set(orders).size, name).toBe(1);
      expect(orders[0]).toContain('"all"');
    }
  });

  it('looks for rates until two lie on either side of the best', () => {
    for (const { arm } of armResults(finished)) expect(isInsideGrid(arm, finished), arm).toBe(true);
  });
});

describe('the recorded results', () => {
  it('have two rates on either side of each best one, or say where not', async () => {
    const { runs } = await readRecorded('quantization-ablation');
    for (const { arms, notes } of ablationResults(runs)) {
      for (const { arm } of arms) {
        const isSaid = notes.some((note) => note.startsWith('Fewer than two rates') && note.includes(arm));
        expect(isInsideGrid(arm, runs) || isSaid, arm).toBe(true);
      }
    }
  });
});

describe('blockOf', () => {
  it('finds block and arm of every name', () => {
    for (const block of BLOCKS)
      for (const arm of ARMS) expect(blockOf(nameIn(block, arm.name))).toEqual({ block, arm });
  });
});
