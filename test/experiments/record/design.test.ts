import { execFileSync } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../../experiments/experiments.js';
import {
  designChanges,
  designFile,
  designHistory,
  designOf,
  earlierDesignsOf,
  readDesign,
  requireDesign,
} from '../../../experiments/record/design.js';
import { readRecorded, recordResults } from '../../../experiments/record/recorded.js';
import { CLONE, lastChange } from '../../../experiments/sweep/commit.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { finishAll } from '../finish-runs.js';
import { toyExperiment } from '../toy-experiment.js';

const git = (...args: string[]): string => execFileSync('git', args, { cwd: CLONE, encoding: 'utf8' }).trim();
const isClone = lastChange(join(CLONE, 'package.json')) !== undefined;
const runs = finishAll(
  (...of) => toyExperiment.runs(...of),
  'smoke',
  () => ({ validationLoss: 1 }),
);
const madeBy = (commit: string | undefined): FinishedRun[] => runs.map((run) => ({ ...run, commit }));
/** A committed file stands for a design. */
const committed = join(CLONE, 'package.json');

describe('requireDesign', () => {
  it('refuses a record without a design, or with one that is not committed', async () => {
    const file = join(await temporaryFolder(), 'design.md');
    expect(() => requireDesign('toy', [], file)).toThrow('must stand in');
    await writeFile(file, 'Questions.');
    expect(() => requireDesign('toy', [], file)).toThrow('must be committed before the first final run');
  });

  it.skipIf(!isClone)('takes final runs that were made by code with the design in it, and no others', () => {
    const { commit, sha256 } = requireDesign('toy', madeBy(git('rev-parse', 'HEAD')), committed);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(requireDesign('toy', madeBy(`${commit} with changes`), committed).commit).toBe(commit);
    const root = git('rev-list', '--max-parents=0', 'HEAD').split('\n')[0];
    for (const [early, named] of [
      [root, root.slice(0, 7)],
      [undefined, 'a commit that was not kept'],
      ['unknown', 'unknown'],
    ] as const) {
      expect(() => requireDesign('toy', madeBy(early), committed)).toThrow(
        `got 2 made by ${named}, toy-seed1 among them`,
      );
    }
  });
});

describe('designChanges', () => {
  it('tells the difference, line by line, and nothing where there is none', async () => {
    const file = join(await temporaryFolder(), 'design.md');
    const at = async (text: string) => {
      await writeFile(file, text);
      return readDesign('toy', file);
    };
    const before = await at('Seeds: 3.\nMargin: 0.02.\n');
    const after = await at('Seeds: 3.\nMargin: 0.05.\nChanged since: the margin, since …\n');
    expect(designChanges(before, before)).toEqual([]);
    expect(designChanges(before, after)).toEqual([
      expect.stringContaining('has changed since these runs were recorded'),
      '− Margin: 0.02.',
      '+ Margin: 0.05.',
      '+ Changed since: the margin, since …',
    ]);
    expect(designChanges(undefined, after)).toEqual(['These runs were recorded without a design.']);
    expect(designChanges(before, undefined)).toHaveLength(1);
  });
});

describe('a record that is extended by a changed design', () => {
  const [first, second, third] = ['1', '2', '3'].map((sha256) => ({ sha256, text: `Seeds: ${sha256}.` }));

  it('keeps each design that its runs were made by, the oldest first, and tells every change', () => {
    expect(earlierDesignsOf(undefined, first)).toEqual([]);
    expect(earlierDesignsOf({ design: first }, first)).toEqual([]);
    expect(earlierDesignsOf({ design: first }, second)).toEqual([first]);
    const record = { design: second, earlierDesigns: earlierDesignsOf({ design: first }, second) };
    expect(earlierDesignsOf(record, second)).toEqual([first]);
    expect(earlierDesignsOf(record, third)).toEqual([first, second]);
    expect(designHistory(record, third).filter((line) => /^[−+]/.test(line))).toEqual([
      '− Seeds: 1.',
      '+ Seeds: 2.',
      '− Seeds: 2.',
      '+ Seeds: 3.',
    ]);
    expect(designHistory({ design: first }, first)).toEqual([]);
  });

  it.skipIf(!isClone)('holds new runs against the changed design, and those of the record no more', () => {
    const judging = { ...toyExperiment, name: 'quantization-ablation', claims: () => [] };
    const old = madeBy(git('rev-list', '--max-parents=0', 'HEAD').split('\n')[0]);
    expect(() => designOf(judging, old)).toThrow('got 2 made by');
    expect(() => designOf(judging, old, { runs: old.slice(0, -1) })).toThrow('got 1 made by');
    expect(designOf(judging, old, { runs: old })?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

it('is asked of experiments that judge claims', () => {
  expect(designOf(toyExperiment, runs)).toBeUndefined();
  const judging = { ...toyExperiment, claims: () => [] };
  expect(() => designOf(judging, runs)).toThrow('must stand in');
});

it('a record keeps the design as it was', async () => {
  const folder = await temporaryFolder();
  await copyFile(designFile('bitlm'), join(folder, 'design.md'));
  const design = readDesign('toy', join(folder, 'design.md'))!;
  const file = join(folder, 'toy.json');
  await recordResults(toyExperiment, 'full', runs, { file, design });
  const recorded = await readRecorded('toy', file);
  expect(recorded.design).toEqual(design);
  expect(recorded.runs).toHaveLength(runs.length);
});

it.each(EXPERIMENTS.filter((experiment) => experiment.claims !== undefined))(
  '$name: has a design with all of its sections',
  async ({ name }) => {
    const text = await readFile(designFile(name), 'utf8');
    for (const section of [
      /Questions/,
      /Arms|Blocks/,
      /Rates( and seeds)?/,
      /(Rates and s|S)eeds/,
      /Rules/,
      /Power/,
      /Changes since the first final run/,
    ])
      expect(text).toMatch(new RegExp(`\\*\\*(${section.source})\\.?\\*\\*`));
  },
);
