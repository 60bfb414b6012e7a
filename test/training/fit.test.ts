import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  vi,
  type MockInstance,
} from 'vitest';
import { readRun } from '../../lib/runs/open-run.js';
import { fit, type FitOptions } from '../../lib/training/fit.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';
import type { TrainableModel, TrainingPoint } from '../../lib/training/types.js';
import { config, corpus } from './small-run.js';

let training: Training;
let folder: string;
let printed: MockInstance;

beforeAll(async () => {
  training = await loadTraining();
  folder = await mkdtemp(join(tmpdir(), 'bitnet-fit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => printed.mockRestore());

const options: FitOptions = {
  steps: 20,
  batch: 4,
  context: 16,
  rate: 5e-3,
  validationWindows: 4,
  evaluateEvery: 5,
};
const model = (): TrainableModel => training.createModel(config, 1);
const losses = (points: readonly TrainingPoint[]): number[] => points.map(({ trainLoss }) => trainLoss);
const lastLine = (): string => String(printed.mock.calls.at(-1)?.[0]);

/** A signal that stops as the batch of a step is drawn, like ■ in the middle of it. */
function stopAt(step: number): AbortSignal {
  const controller = new AbortController();
  const draw = corpus.sampleBatch.bind(corpus);
  const spy = vi.spyOn(corpus, 'sampleBatch').mockImplementation((at, ...rest) => {
    if (at + 1 === step) {
      controller.abort();
      spy.mockRestore();
    }
    return draw(at, ...rest);
  });
  return controller.signal;
}

describe('fit', () => {
  it('trains with nothing but steps, and says how it went', async () => {
    const run = await fit(model(), corpus, { steps: 3, batch: 2 });
    expect(run).toMatchObject({ name: 'training', done: 3, steps: 3 });
    expect(run.points.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(run.points[2].diagnostics?.zeros).toBeGreaterThan(0);
    expect(lastLine()).toMatch(
      /^step 3 of 3 · \d+ s · loss \d\.\d{3} · validation \d\.\d{3} · [\d,]+ tokens\/s$/,
    );
    // A cell that ends with the call prints its value: a line, not thousands of points.
    expect(inspect(run)).toBe('training: 3 of 3 steps');
  });

  it.each(['in memory', 'in a folder'])(
    'stops with one calm line and goes on %s to the very same losses',
    async (where) => {
      const place = where === 'in memory' ? {} : { folder: join(folder, 'stopped') };
      const whole = await fit(model(), corpus, options);
      let mine = model();
      const first = await fit(mine, corpus, {
        ...options,
        ...place,
        signal: AbortSignal.abort(),
      });
      expect(first.done).toBe(0);
      expect(lastLine()).toBe('stopped at step 0 of 20; run the cell again to go on');
      const second = await fit(mine, corpus, { ...options, ...place, signal: stopAt(7) });
      expect(second.done).toBe(7);
      expect(lastLine()).toBe('stopped at step 7 of 20; run the cell again to go on');
      // Its chart, here in words, does not wait for what will not come.
      expect(String(printed.mock.calls.at(-2)?.[0])).toMatch(/^stopped at step 7 of 20 · \d+ s · loss/m);
      if (where === 'in a folder') mine = training.createModel(config, 3); // its weights come from the folder
      const third = await fit(mine, corpus, { ...options, ...place });
      expect(third.done).toBe(20);
      expect(losses(third.points)).toEqual(losses(whole.points));
      expect(third.points.map(({ step }) => step)).toEqual(whole.points.map(({ step }) => step));
      const fourth = await fit(mine, corpus, { ...options, ...place });
      expect(losses(fourth.points)).toEqual(losses(whole.points));
      expect(lastLine()).toMatch(/^already trained for 20 steps; give more steps to go on/);
    },
  );

  it.each(['in memory', 'in a folder'])('goes on %s to more steps at the last rate', async (where) => {
    const place = where === 'in memory' ? {} : { folder: join(folder, 'longer') };
    const mine = model();
    const first = await fit(mine, corpus, { ...options, ...place });
    const stopped = await fit(mine, corpus, { ...options, ...place, steps: 26, signal: stopAt(22) });
    expect(stopped.done).toBe(22);
    const more = await fit(mine, corpus, { ...options, ...place, steps: 26 });
    expect(more.done).toBe(26);
    expect(losses(more.points.slice(0, 20))).toEqual(losses(first.points));
    expect(more.points.slice(20).map(({ learningRate }) => learningRate)).toEqual(Array(6).fill(5e-4));
  });

  it('lengthens a run folder twice, and finishes one that was killed before its last mark', async () => {
    const place = { ...options, folder: join(folder, 'twice') };
    for (const steps of [4, 6, 9]) expect((await fit(model(), corpus, { ...place, steps })).done).toBe(steps);
    await rm(join(place.folder, 'completed.json'));
    await fit(model(), corpus, { ...place, steps: 9 });
    const { completed, config: stored, points } = await readRun(place.folder);
    expect(completed).toBe(true);
    expect(stored.earlier).toHaveLength(2);
    expect(points.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const fewer = fit(model(), corpus, { ...place, steps: 5 });
    await expect(fewer).rejects.toThrow(/training.steps: 9 in the folder, 5 now/);
    const other = fit(model(), corpus, { ...place, steps: 12, batch: 8 });
    await expect(other).rejects.toThrow(/training.batch: 4 in the folder, 8 now/);
  });

  it('takes fewer steps than it has done for done', async () => {
    const mine = model();
    await fit(mine, corpus, options);
    expect((await fit(mine, corpus, { ...options, steps: 9 })).done).toBe(20);
    expect(lastLine()).toMatch(/^already trained for 20 steps/);
  });

  it('starts a new run where it is asked for another one, from the weights that the model has', async () => {
    const mine = model();
    await fit(mine, corpus, options);
    const before = mine.evaluate(corpus, 4, 16);
    const again = await fit(mine, corpus, { ...options, rate: 1e-3, steps: 5 });
    expect(again.points.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(Math.abs(again.points[0].trainLoss - before)).toBeLessThan(0.5);
  });

  it('draws the curve that led to a diverged loss', async () => {
    const run = fit(model(), corpus, { ...options, rate: 1e30 });
    await expect(run).rejects.toThrow(/must be finite/);
    expect(printed.mock.calls.flat().join('\n')).toContain('Loss over training');
  });

  it.each<[unknown, object, RegExp]>([
    [undefined, {}, /the model must come from createModel or openModel/],
    [{}, {}, /the model must come from/],
    ['mine', { rate: 1e-3, schedule: {} }, /rate and schedule must not both be given/],
    ['mine', { steps: 2.5 }, /steps must be a whole number from 1, got 2.5/],
    ['mine', { rate: -1 }, /rate must be a number above 0, got -1/],
  ])('refuses %j with %j', async (given, wrong, message) => {
    const trained = (given === 'mine' ? model() : given) as TrainableModel;
    await expect(fit(trained, corpus, { ...options, ...wrong })).rejects.toThrow(message);
  });

  it('trains a model in one call at a time', async () => {
    const mine = model();
    const first = fit(mine, corpus, options);
    await expect(fit(mine, corpus, options)).rejects.toThrow(/one call at a time/);
    expect((await first).done).toBe(20);
  });

  it('refuses a model that was disposed', async () => {
    const gone = model();
    gone.dispose();
    await expect(fit(gone, corpus, options)).rejects.toThrow(
      /must be there, got one that was disposed. Run the cell/,
    );
  });
});
