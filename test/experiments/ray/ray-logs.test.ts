import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  markedFile,
  markedWord,
  parseRunLog,
  sha256,
  type RunFile,
} from '../../../experiments/ray/run-log.js';
import { attemptId } from '../../../experiments/ray/run-request.js';
import { end, resultOf, StandIn, succeed, wholeLog } from './stand-in.js';
import { id, sweepOn } from './sweep-on.js';

describe('RayEngine, with logs that are not whole', () => {
  it('asks for a log again that is cut in the middle of a line', async () => {
    const standIn = await StandIn.start();
    let reads = 0;
    standIn.behaviour = (job) => succeed(job);
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

  it('reads a log again that its machine is too busy to give', async () => {
    const standIn = await StandIn.start();
    let reads = 0;
    standIn.behaviour = (job) => succeed(job);
    standIn.intercept = (request, response) => {
      if (!request.url!.endsWith('/logs') || ++reads > 3) return false;
      end(response, 500, 'Traceback (most recent call last):\nasyncio.exceptions.TimeoutError\n');
      return true;
    };
    expect((await sweepOn(standIn)).finished).toHaveLength(1);
    expect(standIn.submitted).toEqual([id]);
  });

  it('starts a run again whose log went with its machine', async () => {
    const standIn = await StandIn.start();
    standIn.behaviour = (job) => succeed(job);
    standIn.intercept = (request, response) => {
      if (!request.url!.endsWith(`/${id}/logs`)) return false;
      end(response, 500, 'Traceback (most recent call last):\nClientConnectorError: no route to host\n');
      return true;
    };
    const { finished, notes } = await sweepOn(standIn);
    expect(finished).toHaveLength(1);
    expect(notes).toEqual([
      'a.example was lost before its log was read: ClientConnectorError: no route to host. It is started again elsewhere.',
    ]);
    expect(standIn.submitted).toEqual([id, attemptId(id, 2)]);
  });

  it('takes results whose lines are huge', async () => {
    const standIn = await StandIn.start();
    const diverged = { step: 3, message: 'ß\u2028'.repeat(2_000_000) };
    standIn.behaviour = (job) => succeed(job, { ...resultOf(job.run.spec), validationLoss: null, diverged });
    const { finished } = await sweepOn(standIn);
    expect(finished[0].diverged).toEqual(diverged);
  });
});

describe('parseRunLog', () => {
  const files = {
    'config.json': '{\n  "a": 1\n}\n',
    'metrics.jsonl': '{"step":1}\n{"step":2}\n',
    'result.json': '{"validationLoss":1}\n',
  };
  const hashes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]));
  const log =
    markedWord('begin', { attempt: 'x', host: 'a' }) +
    Object.entries(files)
      .map(([name, text]) => `a library says something\n${markedFile(name as RunFile, text)}`)
      .join('') +
    markedWord('end', { files: hashes });

  it('gives back the files to the byte', () => {
    expect(Object.fromEntries(parseRunLog(log).files!)).toEqual(files);
  });

  it('takes no log for whole that is cut anywhere', () => {
    for (let length = 0; length < log.length; length++) {
      expect(parseRunLog(log.slice(0, length)).files, `${length} characters`).toBeUndefined();
    }
  });

  it('takes no log for whole that lost, doubled or swapped a line', () => {
    const lines = log.match(/.*\n/g)!;
    lines.forEach((line, i) => {
      if (!line.startsWith('@bitnet ') || i === 0) return;
      const lost = lines.toSpliced(i, 1).join('');
      expect(parseRunLog(lost).files, `without ${line}`).toBeUndefined();
      if (i === lines.length - 1) return;
      expect(parseRunLog(lines.toSpliced(i, 0, line).join('')).files, `twice ${line}`).toBeUndefined();
    });
    const at = lines.findIndex((line) => line.includes('"step":1'));
    const swapped = lines.with(at, lines[at + 1]).with(at + 1, lines[at]);
    expect(parseRunLog(swapped.join('')).files).toBeUndefined();
  });

  it('forgets an earlier try of the same job', () => {
    const half = log.slice(0, log.indexOf('"step":2'));
    expect(Object.fromEntries(parseRunLog(`${half}\n${log}`).files!)).toEqual(files);
  });

  it('finds our words behind what a library left without a line end', () => {
    const mixed = log.replaceAll('something\n', 'something');
    expect(Object.fromEntries(parseRunLog(mixed).files!)).toEqual(files);
  });
});
