import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../../experiments/sweep/finished-run.js';
import { readResult, resultProblem, writeResult } from '../../../experiments/sweep/result-file.js';
import { temporaryFolder } from '../../temporary-folder.js';

const RESULT: RunResult = {
  validationLoss: 2.5,
  validationTokens: 64,
  parameters: 1000,
  curve: [{ step: 10, trainLoss: 3, validationLoss: 2.5, seconds: 1 }],
  seconds: 1,
  backend: { name: 'tensorflow', version: '2', threads: 1 },
  versions: { node: 'v20', project: '1', packages: {} },
};
const DIVERGED: RunResult = {
  ...RESULT,
  validationLoss: null,
  validationTokens: 0,
  curve: [],
  diverged: { step: 3, message: 'too hot' },
};

describe('result.json', () => {
  it('is read as it was written, also that of a run that diverged', async () => {
    const folder = await temporaryFolder();
    expect(await readResult(folder)).toBeUndefined();
    for (const result of [RESULT, DIVERGED]) {
      await writeResult(folder, result);
      expect(await readResult(folder)).toEqual(result);
      expect(await readdir(folder)).toEqual(['result.json']);
    }
  });

  it.each([
    ['null', 'a result must be a JSON object, got null'],
    ['[]', 'a result must be a JSON object, got []'],
    ['{', 'a result must be a JSON object, got nothing'],
    ['{}', 'validationLoss must be a number from 0, or null beside diverged, got nothing'],
    [
      { ...RESULT, validationLoss: -1 },
      'validationLoss must be a number from 0, or null beside diverged, got -1',
    ],
    [{ ...RESULT, validationLoss: null }, 'validationLoss must be .*got null'],
    [{ ...DIVERGED, validationLoss: 2 }, 'diverged must be there only where validationLoss is null'],
    [{ ...RESULT, validationTokens: 1.5 }, 'validationTokens must be a whole number, got 1.5'],
    [{ ...RESULT, parameters: '1' }, 'parameters must be'],
    [{ ...RESULT, seconds: -1 }, 'seconds must be'],
    [{ ...RESULT, backend: null }, 'backend must be'],
    [{ ...RESULT, curve: [{ step: 1 }] }, 'curve must be a list of points'],
    [{ ...RESULT, curve: {} }, 'curve must be a list of points'],
    [{ ...RESULT, lossByKind: { v: -2 } }, 'lossByKind must be'],
    [{ ...RESULT, measured: { fp16: null } }, 'measured must be'],
  ])('is refused as %j, with what must be there and what to do', async (content, message) => {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, 'result.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
    await expect(readResult(folder)).rejects.toThrow(
      new RegExp(`read result: ${message.replaceAll(/[[\]{}]/g, '\\$&')}.* in .*result\\.json\\. Delete it`),
    );
  });

  it('has no problem where losses are 0', () => {
    expect(resultProblem({ ...RESULT, validationLoss: 0 })).toBeUndefined();
  });
});
