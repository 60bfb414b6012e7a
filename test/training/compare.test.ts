import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { comparedFigures, type ComparedRun } from '../../lib/training/compare.js';
import { train } from '../../lib/training/train.js';
import type { TrainingPoint } from '../../lib/training/types.js';
import type { LineTrace } from '../../lib/plots/figure.js';
import { config, corpus, options } from './small-run.js';

let folder: string;
const points: TrainingPoint[] = [];

beforeAll(async () => {
  await startTensorFlow();
  folder = join(await mkdtemp(join(tmpdir(), 'bitnet-compare-')), 'my-run');
  const model = new BitLM(config, { seed: 1 });
  for await (const point of train(model, corpus, { ...options(20), diagnostics: true }, { folder })) {
    points.push(point);
  }
});
afterAll(() => rm(join(folder, '..'), { recursive: true }));

const recorded = {
  arm: 'recorded',
  curve: [
    { step: 10, trainLoss: 3, validationLoss: 3.1 },
    { step: 20, trainLoss: 2.5, validationLoss: 2.6 },
  ],
  training: { schedule: options(20).schedule },
};

const lines = async (
  runs: readonly ComparedRun[],
  what?: Parameters<typeof comparedFigures>[1],
): Promise<LineTrace[][]> => (await comparedFigures(runs, what)).map(({ traces }) => traces as LineTrace[]);

describe('compare', () => {
  it('lays a run folder, points in memory and a recorded run over each other', async () => {
    const [traces] = await lines([folder, points, { name: 'mine', points }, recorded, recorded]);
    const bold = traces.filter(({ faint }) => !faint);
    expect(bold.map(({ name }) => name)).toEqual(['my-run', 'run 2', 'mine', 'recorded', 'recorded (2)']);
    expect(bold[0].x).toEqual([10, 20]);
    expect(bold[0].y).toEqual(points.map((p) => p.validationLoss).filter((loss) => loss !== undefined));
    expect(bold[3].y).toEqual([3.1, 2.6]);
  });

  it('draws each quantity that is asked for, of the runs that have it', async () => {
    const what = [
      'flips',
      'zeros',
      'gradient norm',
      'learning rate',
      'activation zeros',
      'integer zeros',
    ] as const;
    const all = await lines([folder, recorded], { what });
    expect(all.map((traces) => traces.map(({ name }) => name))).toEqual([
      ['my-run'],
      ['my-run'],
      ['my-run'],
      ['my-run', 'recorded'],
      ['my-run'],
      ['my-run'],
    ]);
    const measured = points.filter(({ diagnostics }) => diagnostics);
    expect(all[0][0].y).toEqual(measured.map(({ diagnostics }) => 100 * diagnostics!.flips!));
    // The schedule of a recorded run gives the rates that training had.
    expect(all[3][1].y).toEqual([points[9].learningRate, points[19].learningRate]);
  });

  it('smooths what is noisy: a constant stays, a jump arrives by the share', async () => {
    const jump = [4, 4, 4, 2].map((trainLoss, i) => ({ step: i + 1, trainLoss }));
    const [[trace]] = await lines([{ name: 'jump', points: jump }], { smoothing: 0.5 });
    const weight = 1 - 0.5 ** 4;
    expect(trace.y.slice(0, 3)).toEqual([4, 4, 4]);
    expect(trace.y[3]).toBeCloseTo((4 * (weight - 0.5) + 2 * 0.5) / weight, 12);
  });

  it.each<[unknown, object, RegExp]>([
    [[], {}, /must get a list of runs, got \[\]/],
    [recorded, {}, /must get a list of runs/],
    [[null], {}, /a run must be what fit returns, .* got null as number 1/],
    [[{ points: [{ loss: 1 }] }], {}, /a run must be/],
    [['no-such-folder'], {}, /the file must be a bitnet-notebooks-run/],
    [[recorded], { what: 'speed' }, /what must be one of loss, .* got "speed"/],
    [
      [recorded],
      { what: 'flips' },
      /at least one run must have flips, got none in recorded. Train with diagnostics/,
    ],
    [[recorded], { smoothing: 1 }, /smoothing must lie from 0 to below 1, got 1/],
  ])('refuses %j with %j', async (runs, options, message) => {
    await expect(comparedFigures(runs as ComparedRun[], options)).rejects.toThrow(message);
  });
});
