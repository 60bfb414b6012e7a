import type { Experiment } from '../sweep/experiment.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { groupBy } from '../sweep/group-by.js';
import { runId, type Preset, type RunSpec } from '../sweep/run-spec.js';

/** A run that an experiment will ask for. */
export interface Planned {
  spec: RunSpec;
  /** Times that results must have come in before it is known. */
  round: number;
}

/**
 * All runs, with made-up results for the tuning runs: the middle of every grid wins. A run that is listed for two arms
 * is carried out once.
 */
export function plannedRuns(experiment: Experiment, preset: Preset): Planned[] {
  const finished = new Map<string, FinishedRun>();
  const all: Planned[] = [];
  for (let round = 0; ; round++) {
    const specs = experiment.runs(preset, [...finished.values()]);
    const fresh = [...new Map(specs.map((spec) => [runId(spec), spec])).entries()].filter(
      ([id]) => !finished.has(id),
    );
    if (fresh.length === 0) return all;
    all.push(...fresh.map(([, spec]) => ({ spec, round })));
    const groups = groupBy(fresh, ([, spec]) => `${spec.arm} ${shapeKey(spec)} ${spec.training.steps}`);
    for (const group of groups.values()) {
      group.sort(([, a], [, b]) => a.training.schedule.peak - b.training.schedule.peak);
      group.forEach(([id, spec], at) =>
        finished.set(id, madeUp(id, spec, Math.abs(at - (group.length - 1) / 2))),
      );
    }
  }
}

function madeUp(id: string, spec: RunSpec, validationLoss: number): FinishedRun {
  const backend = { name: '', version: '', threads: 1 };
  return { id, ...spec, validationLoss, validationTokens: 0, parameters: 0, curve: [], seconds: 0, backend };
}

/** The same for runs whose steps cost the same. */
export function shapeKey({ corpus, model, training: { batch, context } }: RunSpec): string {
  return JSON.stringify([corpus, model, batch, context]);
}
