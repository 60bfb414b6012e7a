import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installedVersions } from '@bitnet-notebooks/lib';
import { describe, expect, it } from 'vitest';
import { resultsText, type RecordedResults } from '../../../experiments/record/recorded.js';
import { runId } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { readResult, writeResult } from '../../../experiments/sweep/result-file.js';
import { writeRunConfig } from '../../../lib/runs/run-config-file.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { finishAll } from '../finish-runs.js';
import { toyExperiment } from '../toy-experiment.js';

const versions = installedVersions();
const runs = finishAll(
  (...of) => toyExperiment.runs(...of),
  'smoke',
  () => ({ validationLoss: 1 }),
);

function recordOf(rest: (run: FinishedRun, index: number) => Partial<FinishedRun>): RecordedResults {
  const made = runs.map((run, index) => ({ ...run, ...rest(run, index) }));
  return JSON.parse(resultsText(toyExperiment, 'smoke', made)) as RecordedResults;
}

describe('a results file', () => {
  it('names every commit, and takes several of one version', () => {
    const commits = ['c0ffee1', 'c0ffee2'];
    const recorded = recordOf((_, index) => ({ versions, commit: commits[Math.min(index, 1)] }));
    expect(recorded.commits).toEqual(commits);
    expect(recorded.runs.map(({ commit }) => commit)).toContain('c0ffee2');
  });

  it('takes early runs, which have no versions, among themselves', () => {
    expect(recordOf(() => ({})).runs).toHaveLength(runs.length);
  });

  it.each([
    ['project', { ...versions, project: '0.0.9' }, 'version 0.0.9'],
    ['Node.js', { ...versions, node: 'v18.0.0' }, 'Node.js v18.0.0'],
    ['TensorFlow.js', { ...versions, packages: { '@tensorflow/tfjs': '3.0.0' } }, 'TensorFlow.js 3.0.0'],
    ['unknown', undefined, 'a version that was not kept'],
  ])('is refused where one run is of another version: %s', (_, other, named) => {
    const mixed = (): unknown =>
      recordOf((_run, index) => ({ versions: index === 0 ? other : versions, commit: 'c0ffee' }));
    expect(mixed).toThrow('record toy: all runs must be made by one version, got 1 of');
    expect(mixed).toThrow(named);
    expect(mixed).toThrow(
      /\(commits c0ffee\)\. Set them side by side .*make all of them with one version: give --runs/,
    );
  });
});

describe('readResult', () => {
  it('finds the versions of a result from before it kept them in the config beside it', async () => {
    const [{ id, model, training, ...result }] = runs;
    expect(id).toBe(runId(runs[0]));
    const folder = join(await temporaryFolder(), id);
    await mkdir(folder);
    await writeResult(folder, result);
    expect((await readResult(folder))?.versions).toBeUndefined();

    const early = { ...versions, project: '0.0.9' };
    const data = { name: 'made up', sha256: '' };
    const { backend } = result;
    await writeRunConfig(folder, { model, training, seeds: {}, data, backend, versions: early });
    expect((await readResult(folder))?.versions).toEqual(early);

    await writeResult(folder, { ...result, versions });
    expect((await readResult(folder))?.versions).toEqual(versions);
  });

  it('refuses a folder of another format', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, runs[0]);
    await writeFile(join(folder, 'config.json'), '{"format":"bitnet-notebooks-run","formatVersion":2}');
    await expect(readResult(folder)).rejects.toThrow(
      'must be a bitnet-notebooks-run, version 1, got version 2',
    );
  });
});
