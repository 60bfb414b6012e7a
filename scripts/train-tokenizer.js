/**
 * Byte pairs of a text: npm run train-tokenizer -- TEXT --size 4096 --output FOLDER
 * TEXT is a file, of which the first nine tenths are read, or state-of-the-union. The trainer is that of Hugging Face's tokenizers,
 * fetched into the project's Python environment the first time; `npm run setup` comes first.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './arguments.js';
import { runCommand } from './setup/command.js';
import { projectAt } from './setup/project.js';
import { explain, SetupError } from './setup/setup-error.js';
import { writeWhole } from './setup/written-whole.js';

const USAGE = 'Usage: npm run train-tokenizer -- TEXT --size 4096 --output FOLDER';

/** Bytes alone are 256 tokens; ids are stored in 16 bits. */
const SIZES = { least: 257, most: 65_536 };

/** As large as `openTextFile` takes. */
const MAX_TEXT_BYTES = 2 ** 28;
/** What `openTextFile` trains on: a tokenizer must not have seen what it is validated on. */
const TRAINING_SHARE = 0.9;

/** @param {string} name */
const beside = (name) => fileURLToPath(new URL(`./tokenizer/${name}`, import.meta.url));

/** @returns {{ text: string, size: number, output: string }} */
function options() {
  const { values, positionals } = readArguments('train-tokenizer', USAGE, {
    allowPositionals: true,
    options: { size: { type: 'string', default: '4096' }, output: { type: 'string' } },
  });
  const size = Number(values.size);
  if (positionals.length !== 1)
    throw new SetupError(`train-tokenizer: name one text, got ${positionals.length}.`, USAGE);
  if (!Number.isInteger(size) || size < SIZES.least || size > SIZES.most) {
    const range = `a whole number from ${SIZES.least} to ${SIZES.most}`;
    throw new SetupError(`train-tokenizer: --size must be ${range}, got ${values.size}.`, USAGE);
  }
  if (values.output === undefined) throw new SetupError('train-tokenizer: --output must be given.', USAGE);
  return { text: positionals[0], size, output: values.output };
}

/**
 * @param {string} name
 * @returns {Promise<string>}
 */
async function trainingText(name) {
  if (name !== 'state-of-the-union') {
    const compiled = new URL('../lib/dist/io/whole-file.js', import.meta.url).href;
    /** @type {typeof import('../lib/io/whole-file.js')} */
    const { readTextFile } = await import(compiled);
    const text = await readTextFile(name, 'train-tokenizer', MAX_TEXT_BYTES);
    return text.slice(0, Math.floor(text.length * TRAINING_SHARE));
  }
  const compiled = new URL('../lib/dist/corpora/state-of-the-union.js', import.meta.url).href;
  /** @type {typeof import('../lib/corpora/state-of-the-union.js')} */
  const { readStateOfTheUnion } = await import(compiled);
  return (await readStateOfTheUnion()).parts.training;
}

/**
 * @param {string} text
 * @param {number} size
 * @returns {Promise<string>} tokenizer.json
 */
async function train(text, size) {
  const { python, root, env } = projectAt();
  const install = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-deps',
    '--require-hashes',
    '-r',
    beside('requirements.txt'),
  ];
  await runCommand(python, install, { cwd: root, env, name: 'pip' });
  const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  try {
    const [file, result] = [join(folder, 'text.txt'), join(folder, 'tokenizer.json')];
    await writeFile(file, text);
    await runCommand(python, [beside('train.py'), file, String(size), result], {
      cwd: root,
      env,
      name: 'tokenizers',
    });
    return await readFile(result, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  const { text, size, output } = options();
  const json = await train(await trainingText(text), size);
  const { model } = /** @type {{ model: { vocab: Record<string, number> } }} */ (JSON.parse(json));
  writeWhole(join(output, 'tokenizer.json'), `${JSON.stringify(JSON.parse(json))}\n`);
  console.log(`${join(output, 'tokenizer.json')}: ${Object.keys(model.vocab).length} tokens.`);
} catch (error) {
  console.error(explain(error).message);
  process.exitCode = 1;
}
