/**
 * The design of an experiment: its questions, arms, seeds, rules and the power that a pilot promises, in words, in the file
 * design.md of its folder. It is committed before the first final run, and a record keeps it as it was.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXPERIMENTS_FOLDER, isAncestor, lastChange } from '../sweep/commit.js';
import type { Experiment } from '../sweep/experiment.js';
import type { FinishedRun } from '../sweep/finished-run.js';

/** A design as a record keeps it. */
export interface Design {
  /** SHA-256 of the text, 64 hexadecimal digits. */
  sha256: string;
  /** Commit that last changed the file; absent outside of git. */
  commit?: string;
  text: string;
}

/** Where an experiment's design stands. */
export function designFile(experiment: string): string {
  return join(EXPERIMENTS_FOLDER, experiment, 'design.md');
}

/** The design as it stands now; undefined where the experiment has none. */
export function readDesign(experiment: string, file: string = designFile(experiment)): Design | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const commit = lastChange(file);
  return { sha256: createHash('sha256').update(text).digest('hex'), ...(commit && { commit }), text };
}

/**
 * The design that a record is made by.
 * @param runs finished runs; those that are reported must be made by code that has the design in it
 * @throws Error where there is none, where it is not committed, and for a run that was made before it
 */
export function requireDesign(
  experiment: string,
  runs: readonly FinishedRun[],
  file: string = designFile(experiment),
): Design {
  const design = readDesign(experiment, file);
  if (design === undefined) {
    throw new Error(
      `record ${experiment}: the design must stand in ${file} before the first final run, got no file. ` +
        'CONTRIBUTING.md says what belongs into it.',
    );
  }
  const { commit } = design;
  if (commit === undefined) {
    throw new Error(
      `record ${experiment}: the design must be committed before the first final run, got changes in ${file} that are ` +
        'not. Commit it, and list what changed since the first run in its last section.',
    );
  }
  const early = runs.filter(
    (run) => run.role === 'final' && !(run.commit && isAncestor(commit, run.commit.split(' ')[0])),
  );
  if (early.length === 0) return design;
  const made = [...new Set(early.map((run) => run.commit?.slice(0, 7) ?? 'a commit that was not kept'))];
  throw new Error(
    `record ${experiment}: final runs must be made after the design's last commit ${commit.slice(0, 7)}, got ` +
      `${early.length} made by ${made.join(', ')}, ${early[0].name} among them. ` +
      'Make them again in an empty folder (--runs), or go back to the design that they were made by.',
  );
}

/** What a record keeps of its designs: the one it was last made by, and those of its older runs, the oldest first. */
export interface Designs {
  design?: Design;
  earlierDesigns?: Design[];
}

/**
 * The design to record with an experiment's runs: required of one that judges claims, taken along where another has one.
 * @param recorded the record that is extended: its runs were held against the design of their own day
 * @throws Error as {@link requireDesign} does
 */
export function designOf(
  experiment: Experiment,
  runs: readonly FinishedRun[],
  recorded?: { runs: readonly FinishedRun[] },
): Design | undefined {
  const { name } = experiment;
  if (experiment.claims === undefined) return readDesign(name);
  const before = new Set(recorded?.runs.map(({ id }) => id));
  return requireDesign(
    name,
    runs.filter(({ id }) => !before.has(id)),
  );
}

/** The designs that a record's older runs were made by, once it is extended by runs of a changed one. */
export function earlierDesignsOf(recorded: Designs | undefined, now: Design | undefined): Design[] {
  const { design, earlierDesigns = [] } = recorded ?? {};
  const all = design ? [...earlierDesigns, design] : earlierDesigns;
  return all.filter(({ sha256 }) => sha256 !== now?.sha256);
}

/** What has changed from each design of a record to the next, and from its last one until now, as {@link designChanges}. */
export function designHistory({ design, earlierDesigns = [] }: Designs, now: Design | undefined): string[] {
  const all = [...earlierDesigns, design, now];
  return all.slice(1).flatMap((after, i) => designChanges(all[i], after));
}

/**
 * What has changed in the design since a record was made, a line each, removed ones before added ones.
 * @returns one line that says so where the record has no design; none where nothing has changed
 */
export function designChanges(recorded: Design | undefined, now: Design | undefined): string[] {
  if (recorded === undefined) return ['These runs were recorded without a design.'];
  if (now === undefined) return ['The design that these runs were recorded by is gone.'];
  if (recorded.sha256 === now.sha256) return [];
  const [before, after] = [recorded.text, now.text].map((text) => text.split('\n').filter(Boolean));
  return [
    `The design has changed since these runs were recorded (${recorded.sha256.slice(0, 7)}, now ${now.sha256.slice(0, 7)}):`,
    ...before.filter((line) => !after.includes(line)).map((line) => `− ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}
