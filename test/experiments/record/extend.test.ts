import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordedAsFinished, soFar } from '../../../experiments/record/extend.js';
import { readRecorded, recordResults } from '../../../experiments/record/recorded.js';
import type { Engine } from '../../../experiments/sweep/engines/engine.js';
import { sweep } from '../../../experiments/sweep/sweep.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { finishAll } from '../finish-runs.js';
import { toyExperiment } from '../toy-experiment.js';

const versions = { node: 'v20', project: '1', packages: {} };
const runs = finishAll(
  (...of) => toyExperiment.runs(...of),
  'smoke',
  ({ training }) => ({ validationLoss: training.schedule.peak }),
).map((run) => ({ ...run, versions }));

/** An engine that notes what it is asked for, and finishes nothing. */
class Refusing implements Engine {
  readonly name = 'refusing';
  readonly slots = 1;
  readonly asked: string[] = [];
  // oxlint-disable-next-line require-yield
  async *run({ spec }: Parameters<Engine['run']>[0]): ReturnType<Engine['run']> {
    this.asked.push(spec.name);
    await Promise.resolve();
    throw new Error('no machine');
  }
  async close(): Promise<void> {}
}

describe('a record that grows', () => {
  it('counts its runs as finished where the folder has none, and asks for the rest alone', async () => {
    const known = recordedAsFinished({ runs: runs.filter(({ name }) => name !== 'toy-seed2') }, versions);
    const engine = new Refusing();
    const events = sweep(toyExperiment, 'smoke', { engine, folder: await temporaryFolder(), known });
    let next = await events.next();
    while (!next.done) next = await events.next();
    expect(engine.asked).toEqual(['toy-seed2']);
    expect(next.value.finished.map(({ name }) => name)).toEqual(
      runs.map(({ name }) => name).filter((name) => name !== 'toy-seed2'),
    );
  });

  it('takes no run of another version, nor one that is not what its id says', () => {
    const other = { ...versions, project: '2' };
    expect(recordedAsFinished({ runs }, versions).size).toBe(runs.length);
    expect(recordedAsFinished({ runs }, other).size).toBe(0);
    expect(recordedAsFinished({ runs: [{ ...runs[0], id: 'of another run' }] }, versions).size).toBe(0);
    expect(recordedAsFinished(undefined, versions).size).toBe(0);
  });

  it('says how many runs are missing until none is, and is never smaller than before', async () => {
    const file = join(await temporaryFolder(), 'toy.json');
    const [first, second] = [runs.slice(1, 3), runs.slice(3)];
    const part = soFar(toyExperiment, 'smoke', first);
    // The third tuning run; the final ones are not known before it has ended.
    expect(part).toMatchObject({ missing: 1 });
    await recordResults(toyExperiment, 'smoke', part.runs, { file, missing: part.missing });
    const recorded = await readRecorded('toy', file);
    expect(recorded.missing).toBe(1);
    const known = recordedAsFinished(recorded, versions);
    const whole = soFar(toyExperiment, 'smoke', [...second, runs[0], ...known.values()]);
    expect(whole.missing).toBe(0);
    await recordResults(toyExperiment, 'smoke', whole.runs, { file, missing: whole.missing });
    const grown = await readRecorded('toy', file);
    expect(grown.missing).toBeUndefined();
    expect(grown.runs.map(({ name }) => name)).toEqual(runs.map(({ name }) => name));
  });
});
