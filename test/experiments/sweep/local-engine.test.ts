import { copyFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { LocalEngine } from '../../../experiments/sweep/engines/local.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { RunResult } from '../../../experiments/sweep/finished-run.js';
import { dataDirectories } from '../../../lib/corpora/data-directory.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyRun } from '../toy-experiment.js';

it('a worker tries a text again that it could not open for an earlier run', async () => {
  const name = 'tiny-shakespeare.txt';
  const text = dataDirectories()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (text === undefined) throw new Error('test: BITNET_DATA_DIR must hold Tiny Shakespeare.');
  const data = await temporaryFolder();
  await writeFile(join(data, name), 'half of it');
  vi.stubEnv('BITNET_DATA_DIR', data);
  const engine = new LocalEngine(1);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await engine.close();
  });
  const toy = toyRun('text', 10, 4e-3, 1);
  const spec: RunSpec = {
    ...toy,
    corpus: { name: 'tiny-shakespeare' },
    model: { ...toy.model, vocab_size: 65 },
  };
  const folder = join(await temporaryFolder(), 'run');
  const carriedOut = async (): Promise<RunResult> => {
    const steps = engine.run({ id: 'text', spec, folder }, new AbortController().signal);
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  };
  await expect(carriedOut()).rejects.toThrow(/tiny-shakespeare/);
  await copyFile(text, join(data, name));
  await expect(carriedOut()).resolves.toHaveProperty('validationLoss');
});
