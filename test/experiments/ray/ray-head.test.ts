import { describe, expect, it } from 'vitest';
import { markedWord } from '../../../experiments/ray/run-log.js';
import { attemptId } from '../../../experiments/ray/run-request.js';
import type { SweepEvent } from '../../../experiments/sweep/sweep.js';
import { begin, end, fail, running, StandIn, succeed, type StandInJob } from './stand-in.js';
import { id, sweepOn } from './sweep-on.js';

describe('RayEngine, with a head that is away, forgets, or is used by others', () => {
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
    expect(failed[0].error.message).toMatch(
      /must answer within 0.05 s, got nothing but: .*it finds its jobs\.$/,
    );
  });

  it('waits for a head whose port refuses connections, and reads the results then', async () => {
    const standIn = await StandIn.start();
    // It goes as the run ends: what is asked for next is its log.
    standIn.intercept = (request, response) => {
      if (!request.url!.endsWith('/logs') || isAway) return false;
      isAway = true;
      response.destroy();
      void standIn.server.leave().then(() => setTimeout(() => void standIn.server.comeBack(), 100));
      return true;
    };
    let isAway = false;
    const { finished } = await sweepOn(standIn);
    expect(isAway).toBe(true);
    expect(finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id]);
  });

  it('starts its runs again on a head that was started again and knows nothing of them', async () => {
    const standIn = await StandIn.start();
    let isNew = false;
    standIn.behaviour = (job) => (isNew ? succeed(job) : running(job));
    const see = (event: SweepEvent): void => {
      if (event.kind !== 'progress') return;
      // Away until the driver has noticed, however slow the machine that runs this test.
      if (event.progress.note?.includes('did not answer')) void standIn.server.comeBack();
      if (isNew) return;
      isNew = true;
      void standIn.server.leave().then(() => standIn.jobs.clear());
    };
    const { finished, notes } = await sweepOn(standIn, { see });
    expect(finished).toHaveLength(1);
    expect(notes).toEqual([
      expect.stringMatching(/did not answer \(.*\); jobs go on meanwhile, and it is asked again$/),
      expect.stringMatching(/answers again$/),
      expect.stringMatching(/got none: the head was started again, or somebody deleted it/),
    ]);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it.each([
    // Patient for as long as a busy machine may take for two answers.
    ['submits again to a head that cannot take jobs yet', 2, 60_000, []],
    [
      'gives up on a head that never can, and says what it said',
      Infinity,
      50,
      [/^No available agent to submit job/],
    ],
  ])('%s', async (_, faults, faultMilliseconds, errors) => {
    const standIn = await StandIn.start();
    let asked = 0;
    standIn.intercept = (request, response) => {
      if (request.method !== 'POST' || asked++ >= faults) return false;
      end(response, 500, 'No available agent to submit job, please try again later.');
      return true;
    };
    const { finished, failed } = await sweepOn(standIn, { faultMilliseconds });
    expect(failed.map(({ error }) => error.message)).toEqual(
      errors.map((error) => expect.stringMatching(error)),
    );
    expect(finished).toHaveLength(1 - errors.length);
  });

  it('does not start a stopped job again by itself, but does when asked again', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job, looked) => {
      if (looked < 1) running(job);
      else if (job.submission_id === id) job.status = 'STOPPED';
      else succeed(job);
    };
    const { failed } = await sweepOn(standIn);
    expect(failed[0].error.message).toBe(
      'run only: its job must run to its end, got stopped by hand on the cluster. Give the command again to start it again.',
    );
    expect(standIn.submitted).toEqual([id]);
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('takes the next id where the job of a driver before it had failed', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => fail(job, begin(job) + markedWord('failed', { message: 'a full disk' }));
    expect((await sweepOn(standIn)).failed).toHaveLength(1);
    standIn.behaviour = (job) => succeed(job);
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('finds its way among thousands of jobs of other people', async () => {
    const standIn = await StandIn.start();
    const others = Array.from({ length: 5000 }, (_, i) => `raysubmit_${i}`);
    for (const other of others) {
      const old = { submission_id: other, status: 'SUCCEEDED', message: 'x'.repeat(500) };
      standIn.jobs.set(other, old as StandInJob);
    }
    // Driver jobs, which nobody submitted, have no submission id.
    standIn.jobs.set('driver', { status: 'SUCCEEDED', submission_id: null } as unknown as StandInJob);
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id]);
    expect([...standIn.jobs.keys()]).toEqual([...others, 'driver']);
  });

  it('does not mind what the clock of the cluster says', async () => {
    const year = 365 * 24 * 3600 * 1000;
    for (const skew of [-year, year]) {
      const standIn = await StandIn.start();
      standIn.clock = () => ({ start_time: Date.now() + skew, end_time: Date.now() - skew });
      const { finished } = await sweepOn(standIn);
      expect(finished).toHaveLength(1);
      expect(standIn.submitted).toEqual([id]);
      expect(standIn.jobs.size).toBe(0);
    }
  });
});
