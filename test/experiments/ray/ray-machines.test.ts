import { describe, expect, it } from 'vitest';
import { markedWord } from '../../../experiments/ray/run-log.js';
import { attemptId } from '../../../experiments/ray/run-request.js';
import { resultsText, type RecordedResults } from '../../../experiments/record/recorded.js';
import type { SweepEvent } from '../../../experiments/sweep/sweep.js';
import { toyExperiment, toyRun } from '../toy-experiment.js';
import { begin, fail, loseMachine, place, resultOf, running, StandIn, succeed } from './stand-in.js';
import { id, sweepOn } from './sweep-on.js';

describe('RayEngine, on machines that are lost, refuse or are busy', () => {
  it('starts a run again, under a new id and elsewhere, whose machine was lost', async () => {
    const standIn = await StandIn.start();
    const on: unknown[] = [];
    standIn.behaviour = (job, looked) => {
      if (looked < 1) running(job);
      else if (job.submission_id === id) loseMachine(job);
      else succeed(job);
      if (looked < 1) on.push(job.driver_node_id);
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
    // Ray's list may have the lost machine for a while yet.
    expect(on).toEqual(['a', 'b']);
    expect(notes).toEqual([
      'a.example was lost: missing too many heartbeats. It is started again elsewhere.',
    ]);
    expect(standIn.jobs.size).toBe(0);
  });

  it('tries a crashed run again on another machine', async () => {
    const standIn = await StandIn.start();
    const on: unknown[] = [];
    standIn.behaviour = (job) => {
      if (job.submission_id === id) fail(job, `${begin(job)}Killed\n`, 137);
      else succeed(job);
      on.push(job.driver_node_id);
    };
    const { finished, events } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    const retried = events.find(({ kind }) => kind === 'retrying');
    expect(retried).toMatchObject({
      error: { message: 'run only: its program on a.example must end well, got exit code 137: Killed.' },
    });
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
    expect(on).toEqual(['a', 'b']);
  });

  it('tries a crashed run again on the same machine where there is no other, three times in all', async () => {
    const standIn = await StandIn.start();
    standIn.nodes = ['a'];
    standIn.behaviour = (job) => fail(job, `${begin(job)}Killed\n`, 137);
    const { failed } = await sweepOn(standIn);
    expect(failed).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2), attemptId(id, 3)]);
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

  it('says once why a machine refuses, and gives it runs again after a while', async () => {
    const standIn = await StandIn.start();
    const refusalMilliseconds = 1500;
    let isMended = false;
    let busyUntil = 0;
    const machines: (string | undefined)[] = [];
    standIn.behaviour = (job) => {
      if (job.status === 'PENDING') place(job);
      const isOnA = job.driver_node_id === 'a';
      if (isOnA && !isMended) {
        // The other machine is busy until this one may have runs again.
        busyUntil = performance.now() + refusalMilliseconds + 200;
        return fail(job, markedWord('refused', { reason: 'its commit must be c0ffee, got dead.' }));
      }
      if (!isOnA && performance.now() < busyUntil) return running(job);
      succeed(job);
      machines.push(job.driver_node_id ?? undefined);
    };
    const specs = Array.from({ length: 12 }, (_, seed) => toyRun(`run${seed}`, 10, 4e-3, seed));
    const see = (event: SweepEvent): void => {
      if (event.kind !== 'progress') return;
      isMended ||= event.progress.note !== undefined;
    };
    const { finished, notes } = await sweepOn(standIn, { specs, refusalMilliseconds, see });
    expect(finished).toHaveLength(12);
    expect(notes).toEqual([
      'a.example refuses runs: its commit must be c0ffee, got dead. It is started again elsewhere.',
    ]);
    expect(machines[0]).toBe('b');
    expect(machines.at(-1)).toBe('a');
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

  it('marks results that different backends computed', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      const isWasm = job.run.spec.name === 'run2';
      place(job, [isWasm ? 'b' : 'a']);
      const wasm = { name: 'wasm', version: '4.22.0', threads: 1 };
      const result = resultOf(job.run.spec);
      succeed(job, isWasm ? { ...result, backend: wasm } : result);
      // The machine decides by this whether it may.
      expect(job.run.anyBackend).toBe(true);
    };
    const specs = [1, 2, 3].map((seed) => toyRun(`run${seed}`, 10, 4e-3, seed));
    const { finished } = await sweepOn(standIn, { specs, anyBackend: true });
    const text = resultsText(toyExperiment, 'smoke', finished);
    const { backends, runs } = JSON.parse(text) as RecordedResults;
    expect(backends.map(({ name }) => name)).toEqual(['tensorflow', 'wasm']);
    expect(runs.map(({ backend }) => backend.name)).toEqual(['tensorflow', 'wasm', 'tensorflow']);
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

  it('says what it waits for where all CPUs are in use', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job, looked) => (looked < 8 ? undefined : succeed(job));
    const { notes } = await sweepOn(standIn, { waitingMilliseconds: 10 });
    expect(notes).toEqual([
      "waits for a free CPU: the cluster's 2 CPUs on 2 machines are in use. Ray starts it as soon as one is free.",
    ]);
  });

  it('submits a run again that Ray gave up on while no CPU was free', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => {
      if (job.submission_id === id)
        Object.assign(job, { status: 'FAILED', error_type: 'JOB_SUPERVISOR_ACTOR_START_TIMEOUT' });
      else succeed(job);
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(notes).toEqual(['Ray gave up waiting for a free CPU. It is started again elsewhere.']);
  });
});
