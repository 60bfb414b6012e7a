import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readResults } from '../../experiments/record/results-file.js';
import { readResult } from '../../experiments/sweep/result-file.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { saveModelFolder } from '../../lib/checkpoint/model-folder.js';
import { readSafetensors } from '../../lib/checkpoint/safetensors/safetensors.js';
import { openTextFile } from '../../lib/corpora/text-file.js';
import { hasHash } from '../../lib/hub/download.js';
import { openSession } from '../../lib/hub/request.js';
import { tryLock } from '../../lib/io/lock.js';
import { readTextIfThere, readWhole } from '../../lib/io/whole-file.js';
import { openRun, readRun } from '../../lib/runs/open-run.js';
import { repairRun } from '../../lib/runs/repair-run.js';
import { loadTokenizer } from '../../lib/tokenizer/tokenizer.js';
import { scratchFolder, smallConfig, smallTensors } from '../checkpoint/small-model.js';
import { checkpointAt, TOY_CONFIG } from '../runs/toy-run.js';

const isWindows = process.platform === 'win32';

/** A pipe that nobody writes to, in the place of whatever stands there: reading it would never end. */
function pipe(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
  return path;
}

async function runFolder(): Promise<string> {
  const folder = join(scratchFolder(), 'run');
  const run = await openRun(folder, TOY_CONFIG);
  await run.append({ step: 1 });
  const config = smallConfig();
  await run.saveCheckpoint({ ...checkpointAt(1), model: { config, tensors: smallTensors(config) } });
  await run.complete();
  await run.close();
  return folder;
}

/** What reads a file that a user names, and the file, in a folder of the test's own. */
const READERS: [what: string, file: string, read: (path: string, folder: string) => Promise<unknown>][] = [
  ['openCheckpoint', 'config.json', (_, folder) => openCheckpoint(folder)],
  ['openCheckpoint of a GGUF file', 'x.gguf', (path) => openCheckpoint(path)],
  ['readSafetensors', 'x.safetensors', (path) => readSafetensors(path)],
  ['openTextFile', 'text.txt', (path) => openTextFile(path)],
  ['loadTokenizer', 'tokenizer.json', (_, folder) => loadTokenizer(folder)],
  ['readRun', 'config.json', (_, folder) => readRun(folder)],
  ['hasHash', 'blob', (path) => hasHash(path, 'a'.repeat(64))],
  ['tryLock', 'x.lock', (path) => tryLock(path)],
  ['readResult', 'result.json', (_, folder) => readResult(folder)],
  ['readResults', 'record.json', (path) => readResults(path, 'make it', () => undefined)],
];

describe.skipIf(isWindows)('a pipe that nobody writes to is refused, and not waited for, by', () => {
  it.each(READERS)('%s', async (_, file, read) => {
    const folder = scratchFolder();
    const path = pipe(join(folder, file));
    await expect(read(path, folder)).rejects.toThrow(path);
  });

  it.each([
    ['readRun', readRun, ['config.json', 'metrics.jsonl', 'completed.json']],
    ['repairRun', repairRun, ['metrics.jsonl', 'completed.json', 'checkpoint/training.json']],
    [
      'openRun',
      (folder: string) => openRun(folder, TOY_CONFIG),
      [
        'config.json',
        'metrics.jsonl',
        'completed.json',
        'checkpoint/training.json',
        'checkpoint/training.safetensors',
        'checkpoint/model.safetensors',
      ],
    ],
  ] as const)('%s as any file of a run', async (_, read, files) => {
    for (const file of files) {
      const folder = await runFolder();
      const path = pipe(join(folder, file));
      await expect(read(folder)).rejects.toThrow(path);
    }
  });

  it('a save as config.json of what is in the way, which stays', async () => {
    const folder = join(scratchFolder(), 'model');
    const config = smallConfig();
    const model = { config, tensors: smallTensors(config) };
    await saveModelFolder(folder, model);
    pipe(join(folder, 'config.json'));
    const weights = readFileSync(join(folder, 'model.safetensors'));
    await expect(saveModelFolder(folder, model)).rejects.toThrow(/a model folder .*, got another one/);
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(weights);
  });

  it("the Hub's token", async () => {
    const path = pipe(join(scratchFolder(), 'token'));
    vi.stubEnv('HF_TOKEN', '');
    vi.stubEnv('HF_TOKEN_PATH', path);
    await expect(openSession()).rejects.toThrow(path);
    vi.unstubAllEnvs();
  });
});

describe('a file read whole', () => {
  const path = (): string => join(scratchFolder(), 'x.txt');

  it('is refused where it is larger than allowed, and as it is at the limit', async () => {
    const file = path();
    writeFileSync(file, 'é!');
    expect((await readWhole(file, 'read', 3)).toString()).toBe('é!');
    truncateSync(file, 2 ** 40);
    await expect(readWhole(file, 'read', 3)).rejects.toThrow(
      `read: size must be at most 3 bytes, got ${2 ** 40} in ${file}`,
    );
  });

  it('keeps what is no UTF-8 as replacement characters, and is undefined where it is not there', async () => {
    const file = path();
    expect(await readTextIfThere(file, 'read')).toBeUndefined();
    writeFileSync(file, Buffer.from([0x61, 0xff, 0x62]));
    expect(await readTextIfThere(file, 'read')).toBe('a\ufffdb');
  });
});
