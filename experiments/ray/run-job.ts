/**
 * The program of a job: carries out one run on a machine of the cluster and prints its points as they come and its
 * files at the end. Says why, and ends, where the machine must not carry it out.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTraining, stableJson, type TrainingPoint } from '@bitnet-notebooks/lib';
import { openCorpusOf } from '../sweep/open-corpus.js';
import { trainRun } from '../sweep/train-run.js';
import { ownIdentity, refusal } from './identity.js';
import { markedFile, markedWord, RUN_FILES, sha256, type RunFile, type RunWords } from './run-log.js';
import type { RunRequest } from './run-request.js';
import { ownFolder } from './shared-folder.js';

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
process.on('SIGINT', () => stop.abort());

/** Hash of the points printed so far. */
const points = createHash('sha256');

function printPoint(point: TrainingPoint): void {
  const line = `${stableJson(point)}\n`;
  points.update(line);
  process.stdout.write(markedFile('metrics.jsonl', line));
}

function say<K extends keyof RunWords>(kind: K, content: RunWords[K]): void {
  process.stdout.write(markedWord(kind, content));
}

async function main(): Promise<void> {
  if (process.argv[2] === '--identity') return console.log(JSON.stringify(await ownIdentity()));
  const request = JSON.parse(process.env.BITNET_RUN!) as RunRequest;
  const why = refusal(request.driver, await ownIdentity(), request) ?? (await unseen(request));
  const corpus = await openCorpusOf(request.spec.corpus).catch((error: Error) => error);
  if (why !== undefined || corpus instanceof Error) {
    const reason = why ?? `it must have the text to learn from: ${(corpus as Error).message}`;
    say('refused', { reason });
    process.exitCode = 1;
    return;
  }
  const { spec, attempt, shared } = request;
  const folder = shared?.folder ?? (await mkdtemp(join(tmpdir(), 'bitnet-run-')));
  const owner = `${attempt}-${hostname()}-${randomUUID()}`;
  const giveBack = shared ? await ownFolder(folder, owner, () => process.exit(1)) : undefined;
  const begin = { attempt, host: hostname() };
  say('begin', begin);
  try {
    const training = await loadTraining({ threads: 1 });
    const result = await trainRun(training, corpus, spec, folder, {
      signal: stop.signal,
      onPoint: printPoint,
      onRepair: (text) => say('note', { text }),
    });
    if (result) await printFiles(folder, begin);
  } catch (error) {
    say('failed', { message: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  } finally {
    await giveBack?.();
    if (!shared) await rm(folder, { recursive: true, force: true });
  }
}

/** Prints what was not printed point by point, and the hashes of all files. */
async function printFiles(folder: string, begin: RunWords['begin']): Promise<void> {
  const files: Partial<Record<RunFile, string>> = {};
  const metrics = await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => '');
  // Of a run that another machine had finished no point came by here.
  const printed = points.digest('hex') === sha256(metrics);
  if (!printed) say('begin', begin);
  for (const name of RUN_FILES) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    files[name] = sha256(text);
    if (name !== 'metrics.jsonl' || !printed) process.stdout.write(markedFile(name, text));
  }
  say('end', { files });
}

/** Why the shared folder cannot be used from here. */
async function unseen({ shared }: RunRequest): Promise<string | undefined> {
  if (!shared) return undefined;
  const { path, text } = shared.mark;
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return undefined;
  return (
    `it must see the driver's folder of runs, got no ${path} with the driver's mark. ` +
    'Mount the folder there under the same path, or leave out --runs.'
  );
}

await main();
process.exit();
