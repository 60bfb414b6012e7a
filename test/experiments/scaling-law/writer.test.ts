import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { gridsOf, PASS } from '../../../experiments/scaling-law/grids.js';
import { trainWriter, writerRuns } from '../../../experiments/scaling-law/writer.js';
import { loadModel, loadTraining, openTextFile } from '../../../lib/index.js';

const union = gridsOf('full').grids.find(({ name }) => name === 'union')!;
const rates = { 'b1.58': 4e-3, 'full-precision': 2e-3 };

it('trains both, packs the ternary one, lays text of both beside it, and finds all done the second time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-writer-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const training = await loadTraining({ threads: 1 });
  // The same on characters of a text of one's own, so that nothing has to be fetched.
  const file = join(folder, 'text.txt');
  await writeFile(
    file,
    'Fellow citizens of the Senate, the state of our Union; Tonight, I ask the Congress to act. '.repeat(80),
  );
  const corpus = await openTextFile(file, { testShare: 0.05 });
  const characters = {
    ...union,
    corpus: { name: 'tiny-shakespeare', testShare: 0.05 } as const,
    vocabulary: corpus.vocabSize,
    batch: 2,
    windows: { tuning: 4, test: 4 },
  };
  const runs = writerRuns(characters, [], { passes: 6 / PASS, rates, shape: { layers: 1, width: 16 } });
  expect(runs.map(({ arm, training: { steps } }) => [arm, steps])).toEqual([
    ['b1.58', 6],
    ['full-precision', 6],
  ]);
  const [output, runsFolder] = [join(folder, 'packed'), join(folder, 'runs')];
  await expect(trainWriter(training, corpus, runs, { runsFolder, output, mostBytes: 1000 })).rejects.toThrow(
    'the packed model must have at most 1000 bytes, got',
  );
  expect(existsSync(output)).toBe(false);
  const notes: string[] = [];
  const found = await trainWriter(training, corpus, runs, {
    runsFolder,
    output,
    onNote: (note) => notes.push(note),
  });
  expect(notes).toEqual([]);
  expect(found!.samples.map(({ arm }) => arm)).toEqual([
    ...Array(3).fill('b1.58'),
    ...Array(3).fill('full-precision'),
  ]);
  expect(JSON.parse(await readFile(join(output, 'samples.json'), 'utf8'))).toEqual(found);
  const model = await loadModel(output);
  expect(model.config.vocab_size).toBe(corpus.vocabSize);
  await model.close();
});

it('asks for a rate that is neither tuned nor given', () => {
  expect(() => writerRuns(union, [], { passes: 1 })).toThrow(
    'train writer: the rate of b1.58 must be tuned or given, got neither.',
  );
});
