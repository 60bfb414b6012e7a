import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RayEngine, type RayOptions } from '../../../experiments/engines/ray.js';
import { attemptId } from '../../../experiments/engines/ray/run-request.js';
import { markedWord } from '../../../experiments/engines/ray/run-log.js';
import { runId } from '../../../experiments/run-spec.js';
import { sweep, type SweepEvent, type SweepOutcome } from '../../../experiments/sweep.js';
import { refusedUrl, startServer } from '../../local-server.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyExperiment, toyRun } from '../toy-experiment.js';
import {
  begin,
  driver,
  end,
  fail,
  loseMachine,
  place,
  resultOf,
  running,
  StandIn,
  succeed,
  wholeLog,
} from './stand-in.js';

const spec = toyRun('only', 10, 4e-3, 1);
const id = runId(spec);
const QUICK = { pollMilliseconds: 5, patienceMilliseconds: 500, settleMilliseconds: 30 };

interface Swept extends SweepOutcome {
  notes: string[];
  events: SweepEvent[];
  folder: string;
}

async function sweepOn(
  standIn: StandIn,
  {
    specs = [spec],
    folder,
    see = () => {},
    signal,
    ...options
  }: RayOptions & {
    specs?: (typeof spec)[];
    folder?: string;
    see?: (event: SweepEvent) => void;
    signal?: AbortSignal;
  } = {},
): Promise<Swept> {
  const engine = await RayEngine.connect(standIn.url, driver, { ...QUICK, ...options });
  const into = folder ?? (await temporaryFolder());
  const all: SweepEvent[] = [];
  try {
    const events = sweep({ ...toyExperiment, runs: () => specs }, 'smoke', { engine, folder: into, signal });
    for (;;) {
      const next = await events.next();
      if (next.done) {
        const notes = all.flatMap((event) => (event.kind === 'progress' && event.progress.note) || []);
        return { ...next.value, notes, events: all, folder: into };
      }
      all.push(next.value);
      see(next.value);
    }
  } finally {
    await engine.close();
  }
}

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
      entrypoint: expect.stringMatching(/exec node experiments\/dist\/engines\/ray\/run-job\.js/),
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
      standIn.behaviour = succeed;
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
    standIn.behaviour = succeed;
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

  it('starts a run again, under a new id, whose machine was lost', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job, looked) => {
      if (looked < 1) running(job);
      else if (job.submission_id === id) loseMachine(job);
      else succeed(job);
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
    expect(notes).toEqual([
      'a.example was lost: missing too many heartbeats. It is started again elsewhere.',
    ]);
    expect(standIn.jobs.size).toBe(0);
  });

  it('tries a crashed run again on another machine', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      if (job.submission_id === id) fail(job, `${begin(job)}Killed\n`, 137);
      else succeed(job);
    };
    const { finished, events } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    const retried = events.find(({ kind }) => kind === 'retrying');
    expect(retried).toMatchObject({
      error: { message: 'run only: its program on a.example must end well, got exit code 137: Killed.' },
    });
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('gives no more runs to a machine that refuses one, and says why', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      if (job.status === 'PENDING') place(job);
      if (job.driver_node_id === 'a')
        fail(job, markedWord('refused', { reason: 'its commit must be c0ffee, got dead.' }));
      else succeed(job);
    };
    const specs = [1, 2, 3, 4].map((seed) => toyRun(`run${seed}`, 10, 4e-3, seed));
    const { finished, notes } = await sweepOn(standIn, { specs, slots: 1 });
    expect(finished).toHaveLength(4);
    expect(notes).toEqual([
      'a.example refuses runs: its commit must be c0ffee, got dead. It is started again elsewhere.',
    ]);
    expect(standIn.submitted).toHaveLength(5);
  });

  it('fails where every machine refuses, and says what each one said', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) =>
      fail(job, markedWord('refused', { reason: 'its backend must be x, got wasm.' }));
    const { failed } = await sweepOn(standIn);
    expect(failed.map(({ error }) => error.message)).toEqual([
      'ray engine: a machine of the cluster must take runs, got refusals from all:\n' +
        '  a.example refuses runs: its backend must be x, got wasm.\n' +
        '  b.example refuses runs: its backend must be x, got wasm.',
    ]);
  });

  it('takes a machine whose program does not start for one that refuses', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      if (job.status === 'PENDING') place(job);
      if (job.driver_node_id === 'a') fail(job, 'sh: 1: exec: node: not found\n', 127);
      else succeed(job);
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(notes[0]).toMatch(
      /a\.example refuses runs: its program must start there, got "sh: 1: exec: node: not found"/,
    );
  });

  it('does not try again what fails everywhere', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) =>
      fail(job, begin(job) + markedWord('failed', { message: 'train: batch must be …' }));
    const { failed } = await sweepOn(standIn);
    expect(failed[0].error.message).toBe('train: batch must be … (on a.example)');
    expect(standIn.submitted).toEqual([id]);
  });

  it('asks for a log again that is cut in the middle of a line', async () => {
    const standIn = await StandIn.start();
    let reads = 0;
    standIn.behaviour = succeed;
    standIn.intercept = (request, response) => {
      if (!request.url!.endsWith('/logs') || ++reads > 1) return false;
      const whole = wholeLog(standIn.jobs.get(id)!);
      end(response, 200, JSON.stringify({ logs: whole.slice(0, -30) }));
      return true;
    };
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(reads).toBe(2);
    expect(standIn.submitted).toEqual([id]);
  });

  it('runs a run again whose log stays cut, or has lost a line, and leaves no half folder', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      succeed(job);
      if (job.submission_id === id) job.log = job.log.replace(/^@bitnet metrics\.jsonl .*\n/m, '');
    };
    const { finished, folder, events } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([id]);
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

  it('starts a job again that disappears', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job, looked) => {
      if (standIn.submitted.length > 1) succeed(job);
      else if (looked < 2) running(job);
      else standIn.jobs.delete(id);
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(notes[0]).toMatch(/its job must stay in the cluster until it is read, got none/);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('submits once where the answer to a submission is lost', async () => {
    const standIn = await StandIn.start();
    let lost = false;
    standIn.intercept = (request, response) => {
      if (request.method !== 'POST' || lost) return false;
      lost = true;
      // Ray has taken the job, but nobody hears of it.
      setTimeout(() => response.destroy(), 5);
      response.writeHead = () => response;
      response.end = () => response;
      return false;
    };
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(lost).toBe(true);
    expect(standIn.submitted).toEqual([id]);
  });

  it('waits for a head that is away for a while, and says so once', async () => {
    const standIn = await StandIn.start();
    let away = 0;
    standIn.intercept = (request, response) => {
      if (request.url !== '/api/jobs/' || request.method !== 'GET') return false;
      if (standIn.submitted.length === 0 || ++away > 3) return false;
      end(response, 503, 'upstream');
      return true;
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(notes).toEqual([
      expect.stringMatching(/answered with status 503; jobs go on meanwhile, and it is asked again$/),
      expect.stringMatching(/answers again$/),
    ]);
  });

  it('gives up on a head that stays away, and says how to go on', async () => {
    const standIn = await StandIn.start();
    standIn.intercept = (request) => {
      if (standIn.submitted.length > 0) request.socket.destroy();
      return standIn.submitted.length > 0;
    };
    const { failed } = await sweepOn(standIn, { patienceMilliseconds: 50 });
    expect(failed[0].error.message).toMatch(/must answer within 0.05 s, got silence: .*it finds its jobs\.$/);
  });

  it('says what it waits for where no CPU is free', async () => {
    const standIn = await StandIn.start();
    standIn.nodes = [];
    standIn.behaviour = (job, looked) => (looked < 8 ? undefined : succeed(job));
    const { finished, notes } = await sweepOn(standIn, { waitingMilliseconds: 10 });
    expect(finished).toHaveLength(1);
    expect(notes).toEqual([
      'waits for a free CPU: the cluster has no machine with CPUs; start one with `ray start --address`. ' +
        'Ray starts it as soon as one is free.',
    ]);
  });

  it('replaces what an interrupted run left in the folder, and keeps a finished one', async () => {
    const standIn = await StandIn.start();
    const folder = await temporaryFolder();
    await mkdir(join(folder, id, 'checkpoint'), { recursive: true });
    await writeFile(join(folder, id, 'checkpoint', 'half'), '');
    await mkdir(join(folder, `${id}.partial-1`));
    await sweepOn(standIn, { folder });
    expect((await readdir(join(folder, id))).sort()).toEqual(['config.json', 'metrics.jsonl', 'result.json']);
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
