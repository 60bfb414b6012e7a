/**
 * Reads damaged checkpoints by the thousand:
 *   npm run fuzz -- --format all --count 20000 --seed 1
 * The work is that of test/checkpoint/fuzz, a process a format, as many at once as there are cores; this passes the
 * numbers on, and prints each report when it is whole.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FUZZ_FORMATS } from '../test/checkpoint/fuzz/formats.js';

/** @type {readonly string[]} */
const FORMATS = ['all', ...FUZZ_FORMATS];
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));

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

/** @param {string} name @returns {Promise<boolean>} whether every promise was kept */
function fuzz(name) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [VITEST, 'run', 'test/checkpoint/fuzz', '--disable-console-intercept'],
      {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        env: { ...process.env, FUZZ_FORMAT: name, FUZZ_COUNT: count, FUZZ_SEED: seed },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    /** @type {Buffer[]} */
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => stop(`vitest did not start: ${error.message}. Run npm ci first.`));
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

const waiting = format === 'all' ? [...FUZZ_FORMATS] : [format];
/** @type {string[]} */
const broken = [];

async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    console.log(`fuzz: ${name}, ${count} files …`);
    if (!(await fuzz(name))) broken.push(name);
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
if (broken.length > 0) {
  console.error(`fuzz: a promise was broken by ${broken.join(', ')}.`);
  process.exitCode = 1;
} else console.log('fuzz: every damaged file was refused by its name, or read with every promise kept.');
