/**
 * Reads damaged checkpoints by the thousand:
 *   npm run fuzz -- --format safetensors|packed|i2_s|tq2_0|tq1_0|config|index|tokenizer|run|record|all --count 20000 --seed 1
 * The work is that of test/checkpoint/fuzz; this only passes the numbers on.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FORMATS = [
  'all',
  'safetensors',
  'packed',
  'i2_s',
  'tq2_0',
  'tq1_0',
  'config',
  'index',
  'tokenizer',
  'run',
  'record',
];

/** @param {string} problem @returns {never} */
function stop(problem) {
  console.error(`fuzz: ${problem}`);
  console.error(`Usage: npm run fuzz -- --format ${FORMATS.join('|')} --count 20000 --seed 1`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        format: { type: 'string', default: 'all' },
        count: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    return stop(/** @type {Error} */ (error).message);
  }
}

const { format, count, seed } = readArguments();
if (!FORMATS.includes(format)) stop(`--format must be one of ${FORMATS.join(', ')}, got ${format}.`);
if (!(Number.isInteger(Number(count)) && Number(count) > 0))
  stop(`--count must be a number above 0, got ${count}.`);
if (!Number.isInteger(Number(seed))) stop(`--seed must be a whole number, got ${seed}.`);

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
for (const name of format === 'all' ? FORMATS.slice(1) : [format]) {
  const { status, error } = spawnSync(
    process.execPath,
    [vitest, 'run', 'test/checkpoint/fuzz', '--disable-console-intercept'],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, FUZZ_FORMAT: name, FUZZ_COUNT: count, FUZZ_SEED: seed },
      stdio: 'inherit',
    },
  );
  if (error) stop(`vitest did not start: ${error.message}. Run npm ci first.`);
  if (status !== 0) process.exit(status ?? 1);
}
