import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../lib/index.js';

const COMMAND = fileURLToPath(new URL('../../scripts/train-tokenizer.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bitnet-tokenizer-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

describe('train-tokenizer refuses', () => {
  it.each([
    [['--output', 'x'], 'name one text, got 0'],
    [['a.txt', 'b.txt', '--output', 'x'], 'name one text, got 2'],
    [['a.txt'], '--output must be given'],
    [['a.txt', '--size', '256', '--output', 'x'], '--size must be a whole number from 257 to 65536, got 256'],
    [
      ['a.txt', '--size', 'many', '--output', 'x'],
      '--size must be a whole number from 257 to 65536, got many',
    ],
    [['a.txt', '--sise', '300'], 'sise'],
  ])('%j', (args, message) => {
    const { status, said } = run(...args);
    expect(status).not.toBe(0);
    expect(said).toContain(message);
    expect(said).not.toContain('    at ');
  });

  it('a text that is not there, and leaves nothing behind', () => {
    const output = join(folder, 'none');
    const { status, said } = run(join(folder, 'missing.txt'), '--output', output);
    expect(status).toBe(1);
    expect(said).toContain('missing.txt');
    expect(existsSync(output)).toBe(false);
  });
});

describe('train-tokenizer', () => {
  it(
    'makes a tokenizer.json that the library reads, of the first nine tenths alone',
    { timeout: 300_000 },
    () => {
      const [text, output] = [join(folder, 'text.txt'), join(folder, 'made')];
      // The last tenth has a word of its own; it must be cut into bytes.
      writeFileSync(
        text,
        'ternary weights weigh little, naïve ones weigh more. '.repeat(180) + 'zyxwvq '.repeat(130),
      );
      const { status, said } = run(text, '--size', '280', '--output', output);
      if (/could not be reached/.test(said))
        return console.warn(`Left out, since the trainer cannot be fetched: ${said}`);
      expect(status, said).toBe(0);
      const tokenizer = JSON.parse(readFileSync(join(output, 'tokenizer.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      const made = new Tokenizer({ kind: 'huggingface', tokenizer, config: {} });
      expect(made.vocabSize).toBe(280);
      expect(said).toContain('280 tokens');
      for (const sample of ['ternary weights weigh', 'naïve 𝄞 zyxwvq\n\n', '']) {
        expect(made.decode(made.encode(sample))).toBe(sample);
      }
      expect(made.encode(' weigh')).toHaveLength(1);
      expect(made.encode('zyxwvq')).toHaveLength(6);
    },
  );
});
