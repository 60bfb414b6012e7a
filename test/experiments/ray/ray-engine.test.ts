import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RayEngine } from '../../../experiments/ray/engine.js';
import { attemptId } from '../../../experiments/ray/run-request.js';
import { markedWord } from '../../../experiments/ray/run-log.js';
import type { SweepEvent } from '../../../experiments/sweep/sweep.js';
import { refusedUrl, startServer } from '../../local-server.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyRun } from '../toy-experiment.js';
import { begin, driver, end, fail, loseMachine, resultOf, running, StandIn, succeed } from './stand-in.js';
import { id, QUICK, spec, sweepOn } from './sweep-on.js';

describe('RayEngine', () => {
  it('submits one job a run under the hash of the run, and writes the folder that a local run would have', async () => {
    const standIn = await StandIn.start();
    const { finished, failed, events, folder } = await sweepOn(standIn);
    expect(failed).toEqual([]);
    expect(finished).toEqual([{ id, ...spec, ...resultOf(spec) }]);
    expect(standIn.submitted).toEqual([id]);
    expect((await readdir(join(folder, id))).sort()).toEqual(['config.json', 'metrics.jsonl', 'result.json']);
    expect((await readFile(join(folder, id, 'metrics.jsonl'), 'utf8')).split('\n')).toHaveLength(4);
    expect(await readdir(folder)).toEqual([id]);
    const shown = events.find(({ kind }) => kind === 'progress');
    expect(shown).toMatchObject({ progress: { step: 1, trainLoss: 2.9, where: 'a.example' } });
    // Nothing is left in Ray's list.
    expect(standIn.jobs.size).toBe(0);
  });

  it('asks for one CPU, shows people what the job is, and tells it the run', async () => {
    const standIn = await StandIn.start();
    let seen: object | undefined;
    standIn.behaviour = (job) => {
      seen = { ...job.request, run: job.run };
      succeed(job);
    };
    await sweepOn(standIn);
    expect(seen).toMatchObject({
      entrypoint_num_cpus: 1,
      metadata: { name: 'only', arm: 'toy', run: id, code: 'c0de' },
      entrypoint: expect.stringMatching(/exec node experiments\/dist\/ray\/run-job\.js/),
      run: { attempt: id, spec, driver, anyBackend: false },
    });
  });

  it('keeps as many jobs in flight as the cluster has CPUs, or as it is told', async () => {
    for (const [slots, expected] of [
      [undefined, 2],
      [3, 3],
    ] as const) {
      const standIn = await StandIn.start();
      let most = 0;
      standIn.behaviour = (job, looked) => {
        most = Math.max(
          most,
          [...standIn.jobs.values()].filter(({ status }) => status !== 'SUCCEEDED').length,
        );
        if (looked < 3) running(job);
        else succeed(job);
      };
      const specs = [1, 2, 3, 4, 5, 6].map((seed) => toyRun(`run${seed}`, 10, 4e-3, seed));
      const { finished } = await sweepOn(standIn, { specs, slots });
      expect(finished).toHaveLength(6);
      expect(standIn.submitted).toHaveLength(6);
      expect(most).toBe(expected);
    }
  });

  it('finds the job of a driver that died, running or finished, and starts none', async () => {
    for (const finished of [false, true]) {
      const standIn = await StandIn.start();
      standIn.behaviour = running;
      const stop = new AbortController();
      const first = await sweepOn(standIn, {
        signal: stop.signal,
        see: ({ kind }) => kind === 'progress' && stop.abort(),
      });
      expect(first.stopped).toBe(true);
      expect(standIn.stopped).toEqual([]);
      standIn.behaviour = (job) => succeed(job);
      if (finished) for (const job of standIn.jobs.values()) succeed(job);
      expect((await sweepOn(standIn)).finished).toHaveLength(1);
      expect(standIn.submitted).toEqual([id]);
    }
  });

  it('starts a job of its own beside one of other code', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = running;
    const stop = new AbortController();
    await sweepOn(standIn, { signal: stop.signal, see: ({ kind }) => kind === 'progress' && stop.abort() });
    standIn.jobs.get(id)!.metadata!.code = 'older';
    standIn.behaviour = (job) => succeed(job);
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(standIn.stopped).toEqual([id]);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('stops and removes its jobs on Ctrl-C where that is asked for', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = running;
    const stop = new AbortController();
    const see = ({ kind }: SweepEvent): void => void (kind === 'progress' && stop.abort());
    const { stopped } = await sweepOn(standIn, { cancel: true, signal: stop.signal, see });
    expect(stopped).toBe(true);
    expect(standIn.stopped).toEqual([id]);
    expect(standIn.jobs.size).toBe(0);
  });

  it('does not try again what fails everywhere', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) =>
      fail(job, begin(job) + markedWord('failed', { message: 'train: batch must be …' }));
    const { failed } = await sweepOn(standIn);
    expect(failed[0].error.message).toBe('train: batch must be … (on a.example)');
    expect(standIn.submitted).toEqual([id]);
  });

  it('takes a job off the list again that Ray puts back as failed', async () => {
    const standIn = await StandIn.start();
    let deleted = 0;
    standIn.intercept = (request, response) => {
      if (request.method !== 'DELETE' || ++deleted > 1) return false;
      loseMachine(standIn.jobs.get(id)!);
      end(response, 200, '{"deleted": true}');
      return true;
    };
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(deleted).toBe(2);
    expect(standIn.submitted).toEqual([id]);
    expect(standIn.jobs.size).toBe(0);
  });

  it('replaces what an interrupted run left in the folder, and keeps a finished one', async () => {
    const standIn = await StandIn.start();
    const folder = await temporaryFolder();
    await mkdir(join(folder, id, 'checkpoint'), { recursive: true });
    await writeFile(join(folder, id, 'checkpoint', 'half'), '');
    await sweepOn(standIn, { folder });
    // Nobody may take the checkpoint for that of the run's end.
    expect((await readdir(join(folder, id))).sort()).toEqual([
      expect.stringMatching(/^checkpoint\.unfinished-\d+$/),
      'config.json',
      'metrics.jsonl',
      'result.json',
    ]);
    expect(await readdir(folder)).toEqual([id]);
    await sweepOn(standIn, { folder });
    expect(standIn.submitted).toEqual([id]);
  });
});

describe('RayEngine.connect', () => {
  const connect = (address: string): Promise<RayEngine> => RayEngine.connect(address, driver, QUICK);

  it('names an address where nothing answers, and what to do', async () => {
    await expect(connect(await refusedUrl())).rejects.toThrow(
      /the head must answer at .*, got .*ECONNREFUSED.*ray start --head --dashboard-host=0\.0\.0\.0/,
    );
  });

  it('refuses what is no address, and a server that is no Ray', async () => {
    await expect(connect('head:8265')).rejects.toThrow(
      'the address must be like http://HEAD:8265, got head:8265',
    );
    const { url } = await startServer((_, response) => end(response, 200, '<html>'));
    await expect(connect(url)).rejects.toThrow(/must be the dashboard of a Ray head, got "<html>"/);
  });

  it('says that it was not let in', async () => {
    const { url } = await startServer((_, response) => end(response, 401, 'Unauthorized'));
    await expect(connect(url)).rejects.toThrow(/must let this command in, got status 401.*RAY_AUTH_TOKEN/);
  });

  it('says that it was taken for a browser', async () => {
    const { url } = await startServer((_, response) =>
      end(response, 405, 'method not allowed for browser traffic.'),
    );
    await expect(connect(url)).rejects.toThrow(
      /must take requests that come from no browser.*A proxy on the way/,
    );
  });
});
