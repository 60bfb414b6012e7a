import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plannedRuns } from '../../../experiments/commands/planned-runs.js';
import { EXPERIMENTS } from '../../../experiments/experiments.js';
import { findRecorded, readRecorded, recordResults } from '../../../experiments/record/recorded.js';
import { hasResults } from '../../../experiments/record/results-file.js';
import { lostArms, requireNotSmaller } from '../../../experiments/record/smaller-record.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { finishAll } from '../finish-runs.js';
import { toyExperiment } from '../toy-experiment.js';

const runs = finishAll(
  (...of) => toyExperiment.runs(...of),
  'smoke',
  () => ({ validationLoss: 1 }),
);

describe('a record', () => {
  it('is not replaced by a smaller one, but where that is asked for', async () => {
    const file = join(await temporaryFolder(), 'toy.json');
    await recordResults(toyExperiment, 'full', runs, { file });
    const before = await readFile(file, 'utf8');
    const fewer = runs.filter(({ name }) => name !== 'toy-seed2');
    await expect(recordResults(toyExperiment, 'smoke', fewer, { file })).rejects.toThrow(
      'record toy: the record must not get smaller, got 1 arms with fewer or shorter runs. What would go:\n' +
        '  toy on zipf-facts: 2 runs of 0.01 M tokens, then 1 runs of 0.01 M tokens\n' +
        'Add --replace to record all the same',
    );
    expect(await readFile(file, 'utf8')).toBe(before);
    await recordResults(toyExperiment, 'smoke', fewer, { file, replace: true });
    expect((await findRecorded('toy', file))?.runs).toHaveLength(fewer.length);
  });

  it('takes the same runs, and more, of any version', async () => {
    const file = join(await temporaryFolder(), 'toy.json');
    await recordResults(toyExperiment, 'smoke', runs.slice(0, -1), { file });
    const versions = { node: 'v99', project: '9', packages: {} };
    await recordResults(
      toyExperiment,
      'full',
      runs.map((run) => ({ ...run, versions })),
      { file },
    );
    expect((await findRecorded('toy', file))?.preset).toBe('full');
  });
});

describe('lostArms', () => {
  const shorter = (steps: number): FinishedRun[] =>
    runs.map((run) => ({ ...run, training: { ...run.training, steps } }));

  it('counts tokens too: shorter runs are less', () => {
    expect(lostArms(runs, shorter(119))).toHaveLength(1);
    expect(lostArms(runs, shorter(121))).toEqual([]);
    expect(lostArms(runs, [])).toEqual(['toy on zipf-facts: 2 runs of 0.01 M tokens, then none']);
  });

  it('leaves tuning runs out', () => {
    expect(
      lostArms(
        runs,
        runs.filter(({ role }) => role === 'final'),
      ),
    ).toEqual([]);
  });
});

it.each(EXPERIMENTS.filter(({ name }) => hasResults(name)))(
  '$name: smoke is refused in the place of the recorded runs, full is not',
  async (experiment) => {
    const { runs: recorded, design } = await readRecorded(experiment.name);
    const planned = (preset: 'smoke' | 'full') => plannedRuns(experiment, preset).map(({ spec }) => spec);
    expect(() => requireNotSmaller(experiment.name, recorded, planned('smoke'))).toThrow(
      'must not get smaller',
    );
    // Another design has other runs: a record of before designs were kept goes by --replace.
    if (design) requireNotSmaller(experiment.name, recorded, planned('full'));
  },
);
