import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  RunCrash,
  type Engine,
  type RunProgress,
  type RunTask,
} from '../../../experiments/sweep/engines/engine.js';
import type { Experiment } from '../../../experiments/sweep/experiment.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { RunResult } from '../../../experiments/sweep/finished-run.js';
import {
  sweep,
  type SweepEvent,
  type SweepOptions,
  type SweepOutcome,
} from '../../../experiments/sweep/sweep.js';
import { writeResult } from '../../../experiments/sweep/result-file.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyExperiment, toyRun } from '../toy-experiment.js';

const backend = { name: 'tensorflow', version: '1', threads: 1 };

/** Carries out runs without training anything: a run's loss is a function of its learning rate. */
class InstantEngine implements Engine {
  readonly name = 'instant';
  readonly started: string[] = [];
  atOnce = 0;
  most = 0;
  constructor(
    readonly slots: number,
    readonly fail: (task: RunTask, attempt: number) => Error | undefined = () => undefined,
  ) {}

  async *run(task: RunTask, signal: AbortSignal): AsyncGenerator<RunProgress, RunResult, undefined> {
    this.most = Math.max(this.most, ++this.atOnce);
    this.started.push(task.spec.name);
    try {
      await sleep(5 * Math.random());
      signal.throwIfAborted();
      const attempt = this.started.filter((name) => name === task.spec.name).length;
      const error = this.fail(task, attempt);
      if (error) throw error;
      yield { step: 1, trainLoss: 1, seconds: 0 };
      const { peak } = task.spec.training.schedule;
      const result: RunResult = {
        validationLoss: Math.abs(Math.log(peak / 4e-3)),
        validationTokens: 1,
        parameters: 1,
        curve: [],
        seconds: 1,
        backend,
      };
      await mkdir(task.folder, { recursive: true });
      await writeResult(task.folder, result);
      return result;
    } finally {
      this.atOnce--;
    }
  }

  async close(): Promise<void> {}
}

function listed(specs: RunSpec[]): Experiment {
  return { ...toyExperiment, runs: () => specs };
}

async function collect(
  experiment: Experiment,
  options: SweepOptions,
): Promise<SweepOutcome & { events: SweepEvent[] }> {
  const events: SweepEvent[] = [];
  const all = sweep(experiment, 'smoke', options);
  for (;;) {
    const next = await all.next();
    if (next.done) return { ...next.value, events };
    events.push(next.value);
  }
}

const runs = (count: number): RunSpec[] =>
  Array.from({ length: count }, (_, seed) => toyRun(`run${seed}`, 10, 4e-3, seed));

describe('sweep', () => {
  it('starts what becomes known by what was finished: final runs at the rate that tuning found', async () => {
    const engine = new InstantEngine(2);
    const { finished } = await collect(toyExperiment, { engine, folder: await temporaryFolder() });
    expect(finished.map(({ name }) => name)).toEqual([
      'toy-lr0.002',
      'toy-lr0.004',
      'toy-lr0.008',
      'toy-seed1',
      'toy-seed2',
    ]);
    expect(finished[3].training.schedule.peak).toBe(4e-3);
  });

  it('carries out runs in the experiment’s order, whenever they became known', async () => {
    const [first, second, added] = runs(3);
    const growing: Experiment = {
      ...toyExperiment,
      runs: (_, finished) => (finished.length > 0 ? [first, added, second] : [first, second]),
    };
    const folder = await temporaryFolder();
    const engine = new InstantEngine(1);
    await collect(growing, { engine, folder, only: ({ name }) => name === first.name });
    // Also where the first run is found on the disk.
    await collect(growing, { engine, folder });
    const again = new InstantEngine(1);
    await collect(growing, { engine: again, folder: await temporaryFolder() });
    expect(engine.started).toEqual([first, added, second].map(({ name }) => name));
    expect(again.started).toEqual(engine.started);
  });

  it('keeps all slots of the engine busy and never more', async () => {
    for (const slots of [1, 3]) {
      const engine = new InstantEngine(slots);
      await collect(listed(runs(20)), { engine, folder: await temporaryFolder() });
      expect(engine.most).toBe(slots);
    }
  });

  it('carries out a run once that is listed for two arms, and reports it for both', async () => {
    const [first] = runs(1);
    const engine = new InstantEngine(2);
    const both = listed([first, { ...first, name: 'the same', arm: 'other' }]);
    const { finished } = await collect(both, { engine, folder: await temporaryFolder() });
    expect(engine.started).toEqual(['run0']);
    expect(finished.map(({ arm }) => arm)).toEqual(['toy', 'other']);
  });

  it('starts nothing that is finished already', async () => {
    const folder = await temporaryFolder();
    await collect(listed(runs(3)), { engine: new InstantEngine(2), folder });
    const engine = new InstantEngine(2);
    const { finished, events } = await collect(listed(runs(4)), { engine, folder });
    expect(engine.started).toEqual(['run3']);
    expect(finished).toHaveLength(4);
    expect(events.filter((event) => event.kind === 'finished' && event.again)).toHaveLength(3);
  });

  it('leaves out what --only does not choose', async () => {
    const engine = new InstantEngine(2);
    const only = ({ name }: RunSpec): boolean => name === 'run1';
    await collect(listed(runs(3)), { engine, folder: await temporaryFolder(), only });
    expect(engine.started).toEqual(['run1']);
  });

  it('tries a crashed run again, three times in all, and goes on with the others', async () => {
    const crash = ({ spec }: RunTask): Error | undefined =>
      spec.name === 'run1' ? new RunCrash('its worker died') : undefined;
    const engine = new InstantEngine(1, crash);
    const { finished, failed, events } = await collect(listed(runs(3)), {
      engine,
      folder: await temporaryFolder(),
    });
    expect(engine.started).toEqual(['run0', 'run1', 'run1', 'run1', 'run2']);
    expect(finished.map(({ name }) => name)).toEqual(['run0', 'run2']);
    expect(failed.map(({ spec, error }) => [spec.name, error.message])).toEqual([
      ['run1', 'its worker died'],
    ]);
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(2);
  });

  it('does not try again what cannot get better', async () => {
    const engine = new InstantEngine(1, () => new Error('unknown quantizer'));
    const { failed } = await collect(listed(runs(1)), { engine, folder: await temporaryFolder() });
    expect(engine.started).toHaveLength(1);
    expect(failed[0].error.message).toBe('unknown quantizer');
  });

  it('stops on its signal and tells so', async () => {
    const stop = new AbortController();
    const engine = new InstantEngine(2, ({ spec }) => {
      if (spec.name === 'run2') stop.abort();
      return undefined;
    });
    const { stopped, finished, failed } = await collect(listed(runs(40)), {
      engine,
      folder: await temporaryFolder(),
      signal: stop.signal,
    });
    expect(stopped).toBe(true);
    expect(failed).toEqual([]);
    expect(finished.length).toBeLessThan(40);
    expect(engine.atOnce).toBe(0);
  });

  it('tells of a run that fails while it is stopped: its checkpoint may not have been saved', async () => {
    const stop = new AbortController();
    const engine = new InstantEngine(1, ({ spec }) => {
      if (spec.name !== 'run2') return undefined;
      stop.abort();
      return new Error('disk full');
    });
    const options = { engine, folder: await temporaryFolder(), signal: stop.signal };
    const { stopped, failed } = await collect(listed(runs(40)), options);
    expect(stopped).toBe(true);
    expect(failed.map(({ spec, error }) => [spec.name, error.message])).toEqual([['run2', 'disk full']]);
  });

  it('stops its runs when the loop is left early', async () => {
    const engine = new InstantEngine(2);
    for await (const event of sweep(listed(runs(40)), 'smoke', { engine, folder: await temporaryFolder() })) {
      if (event.kind === 'progress') break;
    }
    expect(engine.atOnce).toBe(0);
    expect(engine.started.length).toBeLessThan(10);
  });

  it('refuses a result file that is damaged, and says what to do', async () => {
    const folder = await temporaryFolder();
    const [run] = runs(1);
    await mkdir(join(folder, runId(run)));
    await writeFile(join(folder, runId(run), 'result.json'), '{"validationLoss": 1.2');
    await expect(collect(listed([run]), { engine: new InstantEngine(1), folder })).rejects.toThrow(
      /result.json\. Delete it: the run is then evaluated again/,
    );
  });

  it('takes such a file for the failure of its own run, where the run becomes known later', async () => {
    const folder = await temporaryFolder();
    const [first, damaged, last] = runs(3);
    await mkdir(join(folder, runId(damaged)));
    await writeFile(join(folder, runId(damaged), 'result.json'), '{');
    const experiment: Experiment = {
      ...toyExperiment,
      runs: (_, known) => (known.length === 0 ? [first] : [first, damaged, last]),
    };
    const { finished, failed, stopped } = await collect(experiment, { engine: new InstantEngine(1), folder });
    expect(finished.map(({ name }) => name)).toEqual(['run0', 'run2']);
    expect(failed.map(({ spec }) => spec.name)).toEqual(['run1']);
    expect(failed[0].error.message).toContain('read result');
    expect(stopped).toBe(false);
  });
});

describe('runId', () => {
  it('is the same whatever a run is called and what it is for', () => {
    const [run] = runs(1);
    expect(runId({ ...run, name: 'x', arm: 'y', role: 'tune' })).toBe(runId(run));
    expect(runId({ ...run, evaluations: [] })).toBe(runId(run));
  });

  it('differs where the result can', () => {
    const [run, other] = runs(2);
    const ids = [
      run,
      other,
      { ...run, finalWindows: 65 },
      { ...run, evaluations: ['fp16'] },
      { ...run, corpus: { name: 'tiny-shakespeare' } as const },
      { ...run, training: { ...run.training, steps: 11 } },
    ].map(runId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
