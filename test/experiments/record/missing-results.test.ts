import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../../experiments/experiments.js';
import { readInferenceRecord } from '../../../experiments/inference-2b4t/results.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import { resultsFile } from '../../../experiments/record/results-file.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { readShapes } from '../../../experiments/shapes/results.js';

const file = '/nowhere/missing.json';

it.each(EXPERIMENTS.map(({ name }) => name))(
  'says which command records %s, where nothing is',
  async (name) => {
    await expect(readRecorded(name, file)).rejects.toThrow(
      `${file} must hold recorded results, got no file. Make them: npm run experiment -- ${name} --preset full --record`,
    );
  },
);

it.each([
  ['shapes', readShapes],
  ['inference-2b4t', readInferenceRecord],
])('says which bench records %s, where nothing is', async (name, read) => {
  await expect(read(file)).rejects.toThrow(
    `${file} must hold recorded results, got no file. Make them: npm run bench -- ${name} --record`,
  );
});

describe('a damaged record', () => {
  it.each([
    [{ design: 'text' }, 'a design must have text and sha256, got "text"'],
    [{ design: { text: 'Questions.' } }, 'a design must have text and sha256, got {"text":"Questions."}'],
    [{ earlierDesigns: 'text' }, 'earlierDesigns must be a list, got "text"'],
    [{ earlierDesigns: [null] }, 'a design must have text and sha256, got null'],
  ])('says that %j is no design', async (damage, message) => {
    const path = join(await temporaryFolder(), 'bitlm.json');
    const whole = JSON.parse(await readFile(resultsFile('bitlm'), 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...whole, ...damage }));
    await expect(readRecorded('bitlm', path)).rejects.toThrow(message);
  });

  const readers = [
    ['bitlm', (path: string) => readRecorded('bitlm', path)],
    ['shapes', readShapes],
    ['inference-2b4t', readInferenceRecord],
  ] as const;

  it.each(readers)('of %s names its file and the command that makes it', async (name, read) => {
    const path = join(await temporaryFolder(), `${name}.json`);
    const whole = await readFile(resultsFile(name), 'utf8');
    await writeFile(path, whole);
    await read(path);
    const record = JSON.parse(whole) as { runs?: object[]; measurements?: object[] };
    const [key] = record.runs ? (['runs'] as const) : (['measurements'] as const);
    const worse = (change: object): string =>
      JSON.stringify({ ...record, [key]: [...record[key]!.slice(1), { ...record[key]![0], ...change }] });
    for (const damaged of [
      whole.slice(0, -100),
      '',
      'null',
      '{}',
      '[]',
      worse({ validationLoss: -1, threads: -1 }),
      worse({ validationLoss: null, threads: null }),
      JSON.stringify({ ...record, [key]: [null] }),
    ]) {
      await writeFile(path, damaged);
      await expect(read(path), damaged.slice(0, 40)).rejects.toThrow(
        new RegExp(`read results: .* in ${path}\\. Put the committed file back .*npm run`),
      );
    }
  });
});
