import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTraining } from '@bitnet-notebooks/lib';
import { describe, expect, it } from 'vitest';
import { lossOf, meanLoss, type RunResult } from '../../../experiments/sweep/finished-run.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import { evaluateTrained } from '../../../experiments/sweep/evaluations/evaluations.js';
import { openCorpusOf } from '../../../experiments/sweep/open-corpus.js';
import { readResult } from '../../../experiments/sweep/result-file.js';
import { trainRun } from '../../../experiments/sweep/train-run.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyRun } from '../toy-experiment.js';

describe('trainRun', () => {
  it('ends as diverged where the loss over all windows alone is not finite', async () => {
    const folder = join(await temporaryFolder(), 'run');
    const spec = toyRun('late', 10, 4e-3, 1);
    const training = await loadTraining({ threads: 1 });
    const ruined: typeof training = {
      ...training,
      createModel: (...given) =>
        Object.assign(training.createModel(...given), { losses: () => ({ loss: NaN }) }),
    };
    const result = await trainRun(ruined, await openCorpusOf(spec.corpus), spec, folder);
    expect(result).toMatchObject({ validationLoss: null, diverged: { step: 10 } });
    expect(result!.diverged!.message).toContain('got NaN over all 64 windows after step 10');
    expect(await readResult(folder)).toEqual(JSON.parse(JSON.stringify(result)));
  });
});

describe('the test part', () => {
  it('is read at the end alone, where the run asks for it, and is then what arms are compared by', async () => {
    const corpus = { name: 'tiny-shakespeare', testShare: 0.05 } as const;
    const plain: RunSpec = toyRun('tested', 10, 4e-3, 1);
    const spec: RunSpec = { ...plain, testWindows: 8 };
    expect(runId(spec)).not.toBe(runId(plain));
    expect(runId({ ...plain, corpus })).not.toBe(runId({ ...plain, corpus: { name: 'tiny-shakespeare' } }));
    const training = await loadTraining({ threads: 1 });
    const folder = await temporaryFolder();
    const [tested, untested] = [
      await trainRun(training, await openCorpusOf(spec.corpus), spec, join(folder, 'tested')),
      await trainRun(training, await openCorpusOf(plain.corpus), plain, join(folder, 'untested')),
    ];
    expect(untested!.test).toBeUndefined();
    expect(tested!.validationLoss).toBe(untested!.validationLoss);
    expect(tested!.test!.tokens).toBe(8 * spec.training.context);
    expect(tested!.test!.loss).not.toBe(tested!.validationLoss);
    expect(lossOf(tested!)).toBe(tested!.test!.lossByKind!.v);
    expect(meanLoss(tested!)).toBe(tested!.validationLoss);
  });
});

describe('trainRun in a complete run whose result is gone', () => {
  const timeless = (result: RunResult | undefined): object => ({
    ...result,
    seconds: 0,
    curve: result!.curve.map((point) => ({ ...point, seconds: 0 })),
  });
  const carriedOut = async (folder: string): Promise<{ result: object; notes: string }> => {
    const spec = toyRun('complete', 20, 4e-3, 1);
    const training = await loadTraining({ threads: 1 });
    const notes: string[] = [];
    const onRepair = (note: string): void => void notes.push(note);
    const result = await trainRun(training, await openCorpusOf(spec.corpus), spec, folder, { onRepair });
    return { result: timeless(result), notes: notes.join(' ') };
  };

  it('evaluates the checkpoint again, or trains anew where that is gone or damaged', async () => {
    const folder = join(await temporaryFolder(), 'run');
    const { result: expected } = await carriedOut(folder);
    const checkpoint = join(folder, 'checkpoint');
    const weights = join(checkpoint, 'model.safetensors');
    for (const [damage, said] of [
      [() => Promise.resolve(), /^$/],
      // As a run comes home from a cluster.
      [
        () => rm(checkpoint, { recursive: true }),
        /complete run must have its checkpoint of step 20.*starts again/,
      ],
      [async () => writeFile(weights, (await readFile(weights)).fill(0, 4000)), /SHA-256.*starts again/],
    ] as const) {
      await rm(join(folder, 'result.json'));
      await damage();
      const { result, notes } = await carriedOut(folder);
      expect(result).toEqual(expected);
      expect(notes).toMatch(said);
    }
  });
});

describe('evaluateTrained', () => {
  it('refuses a measurement that JSON would turn into null', async () => {
    const spec = { ...toyRun('ruined', 2, 4e-3, 1), evaluations: ['fp16'] };
    const training = await loadTraining({ threads: 1 });
    const corpus = await openCorpusOf(spec.corpus);
    const model = training.createModel(spec.model, 1);
    const ruined = Object.assign(model, { evaluate: () => NaN });
    await expect(evaluateTrained(spec, ruined, corpus)).rejects.toThrow(
      /evaluate: fp16-unrounded must be finite, got NaN in run ruined/,
    );
    model.dispose();
  });
});
