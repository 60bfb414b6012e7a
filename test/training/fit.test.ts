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

  it('goes on to more steps at the last rate, the earlier ones as they were', async () => {
    const mine = model();
    const first = await fit(mine, corpus, options);
    const more = await fit(mine, corpus, { ...options, steps: 26 });
    expect(more.done).toBe(26);
    expect(losses(more.points.slice(0, 20))).toEqual(losses(first.points));
    expect((await fit(mine, corpus, { ...options, steps: 9 })).done).toBe(26);
    expect(more.points.slice(20).map(({ learningRate }) => learningRate)).toEqual(Array(6).fill(5e-4));
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
