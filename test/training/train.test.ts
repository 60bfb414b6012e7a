import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { readRun } from '../../lib/runs/open-run.js';
import { train } from '../../lib/training/train.js';
import { DivergedError, type TrainingPoint } from '../../lib/training/types.js';
import { ended, startSource } from '../source-process.js';
import { config, corpus, options, VERSE } from './small-run.js';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-train-'));
  folders.push(folder);
  return folder;
}

beforeAll(async () => {
  await startTensorFlow();
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Everything of a point but how long it took. */
function losses(points: readonly TrainingPoint[]): object[] {
  return points.map(({ step, trainLoss, validationLoss, gradientNorm, learningRate }) => ({
    step,
    trainLoss,
    validationLoss,
    gradientNorm,
    learningRate,
  }));
}

async function collect(points: AsyncIterable<TrainingPoint>): Promise<TrainingPoint[]> {
  const all: TrainingPoint[] = [];
  for await (const point of points) all.push(point);
  return all;
}

describe('train', () => {
  it('learns more than how frequent each character is', async () => {
    const model = new BitLM(config, { seed: 1 });
    const points = await collect(train(model, corpus, options(200)));
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    // Entropy of single characters: the lowest loss without looking at context.
    const counts = new Map<string, number>();
    for (const character of VERSE) counts.set(character, (counts.get(character) ?? 0) + 1);
    const length = Array.from(VERSE).length;
    let entropy = 0;
    for (const count of counts.values()) entropy -= (count / length) * Math.log(count / length);
    expect(points.at(-1)!.validationLoss).toBeLessThan(entropy - 0.3);
    model.dispose();
  });

  it('gives the same losses twice, and others with another seed', async () => {
    const run = async (batches: number): Promise<object[]> => {
      const model = new BitLM(config, { seed: 1 });
      const points = await collect(train(model, corpus, { ...options(12), seeds: { weights: 1, batches } }));
      model.dispose();
      return losses(points);
    };
    const first = await run(2);
    expect(await run(2)).toEqual(first);
    expect(await run(3)).not.toEqual(first);
  });

  it.each([1, 2])(
    'killed by SIGKILL at random steps and resumed, gives the losses of a run left alone, to the last bit (%i threads)',
    async (threads) => {
      const STEPS = 60;
      const whole = await newFolder();
      const start = (folder: string): ChildProcess =>
        startSource('test/training/small-run.ts', [folder, String(STEPS), String(threads)]);
      expect((await ended(start(whole))).code).toBe(0);

      const broken = await newFolder();
      // Steps are random, but the same in every run of this test.
      for (const killAt of [3, 18, 41]) {
        const child = start(broken);
        child.stdout!.on('data', (chunk: Buffer) => {
          const steps = chunk.toString().trim().split('\n').map(Number);
          if (steps.some((step) => step >= killAt)) child.kill('SIGKILL');
        });
        expect((await ended(child)).signal).toBe('SIGKILL');
      }
      expect((await ended(start(broken))).code).toBe(0);

      const [expected, found] = [await readRun<TrainingPoint>(whole), await readRun<TrainingPoint>(broken)];
      expect(found.completed).toBe(true);
      expect(losses(found.points)).toEqual(losses(expected.points));
      const weights = async (folder: string): Promise<Buffer> =>
        readFile(join(folder, 'checkpoint', 'model.safetensors'));
      expect((await weights(broken)).equals(await weights(whole))).toBe(true);
    },
  );

  it('stops on abort after the current step and goes on from there', async () => {
    const folder = await newFolder();
    const stop = new AbortController();
    let model = new BitLM(config, { seed: 1 });
    const before: TrainingPoint[] = [];
    for await (const point of train(model, corpus, options(30), { folder, signal: stop.signal })) {
      before.push(point);
      if (point.step === 11) stop.abort();
    }
    expect(before.at(-1)!.step).toBe(11);
    model.dispose();
    model = new BitLM(config, { seed: 9 }); // overwritten by the checkpoint
    const all = await collect(train(model, corpus, options(30), { folder }));
    expect(losses(all.slice(0, 11))).toEqual(losses(before));
    expect(all).toHaveLength(30);
    model.dispose();
  });

  it('gives no fresh weights for the trained ones of a complete run whose checkpoint is gone', async () => {
    const folder = await newFolder();
    const model = new BitLM(config, { seed: 1 });
    const trained = (): Promise<TrainingPoint[]> => collect(train(model, corpus, options(8), { folder }));
    await trained();
    await rm(join(folder, 'checkpoint'), { recursive: true });
    await expect(trained()).rejects.toThrow(/complete run must have its checkpoint of step 8, got none/);
    // An early version did not say which step its last checkpoint was of.
    await writeFile(join(folder, 'completed.json'), '{"points": 8}');
    await expect(trained()).rejects.toThrow(/complete run must have its checkpoint of step 8, got none/);
    await rm(join(folder, 'completed.json'));
    expect(await trained()).toHaveLength(8);
    model.dispose();
  });

  it('frees everything where a run folder is refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'thesis.txt'), 'mine');
    const model = new BitLM(config, { seed: 1 });
    const { numTensors } = tf.memory();
    for (let refused = 0; refused < 3; refused++) {
      await expect(train(model, corpus, options(8), { folder }).next()).rejects.toThrow(/thesis\.txt/);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    model.dispose();
  });

  it('leaves the model as trained when the loop is left with break', async () => {
    const model = new BitLM(config, { seed: 1 });
    const start = model.tensors()[0].data;
    for await (const { step } of train(model, corpus, options(30))) if (step === 3) break;
    expect(model.tensors()[0].data).not.toEqual(start);
    model.dispose();
  });

  it('holds no more tensors after 1,000 steps than after 20', async () => {
    const model = new BitLM(config, { seed: 1 });
    let held: number | undefined;
    const small = { ...options(1000), batch: 1, context: 4, evaluateEvery: 500, validationWindows: 1 };
    for await (const { step } of train(model, corpus, small)) {
      if (step === 20) held = tf.memory().numTensors;
    }
    model.dispose();
    // The optimizer's moments are freed at the end; during the run nothing was added.
    expect(held).toBeGreaterThan(0);
    const fresh = new BitLM(config, { seed: 1 });
    let last = 0;
    for await (const { step } of train(fresh, corpus, { ...small, steps: 40 })) {
      if (step === 40) last = tf.memory().numTensors;
    }
    expect(last).toBeLessThanOrEqual(held!);
    fresh.dispose();
  });

  it('stops at the first loss that is not finite, says at which step, and keeps the last good checkpoint', async () => {
    const folder = await newFolder();
    const model = new BitLM(config, { seed: 1 });
    const hot = options(40);
    hot.schedule = { ...hot.schedule, peak: 1e30 };
    const seen: TrainingPoint[] = [];
    const run = async (): Promise<void> => {
      for await (const point of train(model, corpus, hot, { folder })) seen.push(point);
    };
    const error = await run().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DivergedError);
    const { step, message } = error as DivergedError;
    expect(step).toBe(seen.length + 1);
    expect(message).toContain(`step ${step}`);
    const record = await readRun<TrainingPoint>(folder);
    expect(record.completed).toBe(false);
    expect(record.points.every(({ trainLoss }) => Number.isFinite(trainLoss))).toBe(true);
    model.dispose();
  });

  it('ends where the validation loss alone shows that it diverged', async () => {
    const folder = await newFolder();
    const model = new BitLM(config, { seed: 1 });
    const schedule = { kind: 'cosine', minimum: 0, warmupSteps: 0, totalSteps: 1, weightDecay: 0 } as const;
    const all = { ...options(1), evaluateEvery: 1, schedule: { ...schedule, peak: 1e10 } };
    const error: unknown = await (async () => {
      for await (const _ of train(model, corpus, all, { folder }));
    })().catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(DivergedError);
    expect((error as Error).message).toMatch(/validation loss must be finite, got NaN after step 1/);
    const { points, completed } = await readRun(folder);
    expect([points, completed]).toEqual([[], false]);
    model.dispose();
  });

  it('refuses options that contradict the model or the corpus, and says which', async () => {
    const model = new BitLM(config, { seed: 1 });
    const first = (change: object): Promise<unknown> =>
      train(model, corpus, { ...options(10), ...change }).next();
    await expect(first({ context: 17 })).rejects.toThrow(
      /context must be .*at most max_position_embeddings 16, got 17/,
    );
    await expect(first({ batch: 0 })).rejects.toThrow(
      /batch must be a whole number from 1 to 16777216, got 0/,
    );
    const small = new BitLM({ ...config, vocab_size: 5 }, { seed: 1 });
    await expect(train(small, corpus, options(10)).next()).rejects.toThrow(/vocab_size must be at least/);
    small.dispose();
    model.dispose();
  });
});
