import { expect, it } from 'vitest';
import { EXPERIMENTS } from '../../../experiments/experiments.js';
import { readInferenceRecord } from '../../../experiments/inference-2b4t/results.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import { readShapes } from '../../../experiments/shapes/results.js';

const file = '/nowhere/missing.json';

it.each(EXPERIMENTS.map(({ name }) => name))(
  'says which command records %s, where nothing is',
  async (name) => {
    await expect(readRecorded(name, file)).rejects.toThrow(
      `${file} must hold recorded results (ENOENT). Make them: npm run experiment -- ${name} --preset full --record`,
    );
  },
);

it.each([
  ['shapes', readShapes],
  ['inference-2b4t', readInferenceRecord],
])('says which bench records %s, where nothing is', async (name, read) => {
  await expect(read(file)).rejects.toThrow(
    `${file} must hold recorded results (ENOENT). Make them: npm run bench -- ${name} --record`,
  );
});
