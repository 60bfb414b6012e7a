/** A job that trains nothing: sleeps, prints the points and files of a made-up run, and notes that it was here. */
import { appendFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { markedFile, markedWord, sha256 } from '../run-log.js';
import type { RunRequest } from '../run-request.js';
import type { RunResult } from '../../sweep/finished-run.js';

const { attempt, spec } = JSON.parse(process.env.BITNET_RUN!) as RunRequest;
const { steps } = spec.training;
const mark = process.env.BITNET_SLEEPING_MARK!;
const note = (what: string): void => appendFileSync(mark, `${what} ${spec.name} ${attempt}\n`);

note('begin');
process.stdout.write(markedWord('begin', { attempt, host: hostname() }));
let metrics = '';
for (let step = 1; step <= steps; step++) {
  // As long as a real point.
  const line = `${JSON.stringify({
    gradientNorm: 0.1234567890123456,
    learningRate: 0.0012345678901234567,
    seconds: step / 100,
    step,
    tokensPerSecond: 12345.678901234567,
    trainLoss: 2.3456789012345678,
    weightDecay: 0.1,
  })}\n`;
  metrics += line;
  process.stdout.write(markedFile('metrics.jsonl', line));
  await sleep(10);
}
const result: RunResult = {
  validationLoss: 2,
  validationTokens: 1,
  parameters: 1,
  curve: [],
  seconds: steps / 100,
  backend: { name: 'none', version: '0', threads: 1 },
};
const text = `${JSON.stringify(result)}\n`;
process.stdout.write(markedFile('result.json', text));
process.stdout.write(
  markedWord('end', { files: { 'metrics.jsonl': sha256(metrics), 'result.json': sha256(text) } }),
);
note('end');
