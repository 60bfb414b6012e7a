import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ARMS } from '../../experiments/quantization-ablation/arms.js';
import { ablationModel } from '../../experiments/quantization-ablation/blocks.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { parameterSpecs } from '../../lib/parameters.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';

let training: Training;
let folder: string;

beforeAll(async () => {
  training = await loadTraining();
  folder = await mkdtemp(join(tmpdir(), 'bitnet-arms-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(ARMS)('$name: what is saved is opened again, with every tensor', async (arm) => {
  const model = training.createModel(ablationModel(arm), 1);
  const path = join(folder, arm.name);
  await model.save(path);
  model.dispose();
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint.config.bitlm).toEqual(ablationModel(arm).bitlm);
  for (const { name, shape } of parameterSpecs(checkpoint.config))
    expect(checkpoint.tensors.get(name)?.shape, name).toEqual(shape);
  await checkpoint.close();
});
