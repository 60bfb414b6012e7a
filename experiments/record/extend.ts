/**
 * A record that grows over several days: runs that it holds count as finished, also on a machine or in a folder that never
 * made them, and what has ended by the time of a stop is recorded.
 */
import { installedVersions } from '@bitnet-notebooks/lib';
import type { Experiment } from '../sweep/experiment.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { runId, type Preset } from '../sweep/run-spec.js';
import { versionOf } from '../sweep/versions.js';
import type { RecordedResults } from './recorded.js';

/** The recorded runs that this version of the project made, by their id; others have to be made again. */
export function recordedAsFinished(
  recorded: Pick<RecordedResults, 'runs'> | undefined,
  versions: FinishedRun['versions'] = installedVersions(),
): Map<string, FinishedRun> {
  const version = versionOf({ versions });
  const own = (recorded?.runs ?? []).filter((run) => versionOf(run) === version && run.id === runId(run));
  return new Map(own.map((run) => [run.id, run]));
}

/**
 * A preset's runs as far as they have ended, in the experiment's order.
 * @param finished in any order, each once or more
 * @returns `missing` counts the runs that are known by now and have not ended
 */
export function soFar(
  experiment: Experiment,
  preset: Preset,
  finished: Iterable<FinishedRun>,
): { runs: FinishedRun[]; missing: number } {
  const byId = new Map([...finished].map((run) => [run.id, run]));
  const specs = experiment.runs(preset, [...byId.values()]);
  const runs = specs.flatMap((spec) => {
    const run = byId.get(runId(spec));
    return run ? [{ ...run, ...spec }] : [];
  });
  return { runs, missing: new Set(specs.map(runId)).size - new Set(runs.map(({ id }) => id)).size };
}
