import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const lib = new URL('../lib/dist/', import.meta.url);

/** Names of the CommonJS packages that a fresh process has loaded after importing the compiled lib. */
function packagesAfter(code: string): string[] {
  const script = `
    import { createRequire } from 'node:module';
    const lib = await import(${JSON.stringify(new URL('index.js', lib).href)});
    ${code}
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify(loaded.map((path) => path.split('node_modules').at(-1))));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(lib),
    encoding: 'utf8',
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as string[];
}

describe('the public names', () => {
  it('load without TensorFlow and without plotly', () => {
    const loaded = packagesAfter('');
    expect(loaded.filter((path) => /tensorflow|plotly/.test(path))).toEqual([]);
  });

  it('load TensorFlow when loadTraining is called, and not before', () => {
    const loaded = packagesAfter('await lib.loadTraining();');
    expect(loaded.some((path) => path.includes('tensorflow'))).toBe(true);
  });
});
