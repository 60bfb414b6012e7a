import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isNewEnough } from '../../scripts/setup/node.js';

describe('isNewEnough', () => {
  test.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '26.1.0'])('accepts Node %s', (version) => {
    expect(isNewEnough(version)).toBe(true);
  });

  test.each(['12.22.12', '18.20.0', '20.18.3', '21.7.0', '22.11.0'])(
    'rejects Node %s, which cannot load the lib by require()',
    (version) => {
      expect(isNewEnough(version)).toBe(false);
    },
  );
});

describe('requireNode', () => {
  test('ends the process with one sentence that names both versions and the remedy', () => {
    const module = new URL('../../scripts/setup/node.js', import.meta.url);
    const program = `import(${JSON.stringify(module.href)}).then(({ requireNode }) => requireNode('18.19.1'))`;
    let failure: { status?: number; stderr?: string } = {};
    try {
      execFileSync(process.execPath, ['-e', program], {
        encoding: 'utf8',
        stdio: 'pipe',
        cwd: fileURLToPath(new URL('.', module)),
      });
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure.status).toBe(1);
    expect(failure.stderr).toMatch(
      /needs Node 20\.19 or later, this is 18\.19\.1 .*\n.*Install .*run the command again/,
    );
  });
});
