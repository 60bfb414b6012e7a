import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { saveModelFolder } from '../../lib/checkpoint/model-folder.js';
import { writeFileAtomically } from '../../lib/io/atomic-write.js';
import { makeFolder } from '../../lib/io/make-folder.js';
import { openRun } from '../../lib/runs/open-run.js';
import { writeJson } from '../../scripts/setup/written-whole.js';
import { smallConfig, smallTensors } from '../checkpoint/small-model.js';
import { TOY_CONFIG } from '../runs/toy-run.js';
import { temporaryFolder } from '../temporary-folder.js';

describe('a read-only disk', () => {
  it('is called that by everything that would make a folder on it, and not missing', async ({ skip }) => {
    const disk = await temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return skip('needs the right to mount a small file system');
    }
    onTestFinished(() => void execFileSync('umount', [disk]));
    const place = join(disk, 'a', 'b');
    const config = smallConfig();
    const readOnly = /EROFS/;
    await expect(makeFolder(place)).rejects.toThrow(readOnly);
    await expect(writeFileAtomically(place, () => Promise.resolve())).rejects.toThrow(readOnly);
    await expect(saveModelFolder(place, { config, tensors: smallTensors(config) })).rejects.toThrow(
      /must be on a disk that can be written, got EROFS in .*Choose another folder/,
    );
    await expect(openRun(place, TOY_CONFIG)).rejects.toThrow(
      /must be on a disk that can be written, got EROFS in .*Choose another folder/,
    );
    expect(() => writeJson(join(place, 'x.json'), {})).toThrow(readOnly);
  });
});

it('says what is missing where something is', async () => {
  await expect(makeFolder('/proc/no-such-process/a')).rejects.toThrow(/ENOENT/);
});
