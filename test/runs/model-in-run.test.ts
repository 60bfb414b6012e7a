import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadModel } from '../../lib/inference/load-model.js';
import { loadTraining } from '../../lib/training/load-training.js';
import { config, corpus, options } from '../training/small-run.js';

it('a run folder is opened as its model, in both engines; one without a checkpoint is said to be so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-run-'));
  try {
    const training = await loadTraining();
    const model = training.createModel(config, 1);
    const run = training.train(model, corpus, options(20), { folder });
    await run.next();
    for (const open of [(path: string) => training.openModel(path), loadModel]) {
      await expect(open(folder)).rejects.toThrow(/the run must be a checkpoint with its model, got none yet/);
    }
    for await (const { step } of run) expect(step).toBeGreaterThan(1);
    const trained = await training.openModel(folder);
    expect(trained.evaluate(corpus, 4, 16)).toBe(model.evaluate(corpus, 4, 16));
    const fast = await loadModel(folder);
    const ids = [1, 2, 3];
    const expected = training.layers.logits(trained, training.tf.tensor1d(ids, 'int32'), 1).dataSync();
    (await fast.logits(ids)).forEach((logit, i) => expect(logit).toBeCloseTo(expected[i], 3));
    await fast.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
