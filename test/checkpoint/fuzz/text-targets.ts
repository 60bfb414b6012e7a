/** Fuzzing of what is read as text: tokenizers, run folders, records of experiments. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecorded, type RecordedResults } from '../../../experiments/record/recorded.js';
import { resultsFile } from '../../../experiments/record/results-file.js';
import { readResult } from '../../../experiments/sweep/result-file.js';
import { TokenizerError } from '../../../lib/io/tokenizer-error.js';
import { RunFolderError } from '../../../lib/io/run-folder-error.js';
import { openRun, readRun } from '../../../lib/runs/open-run.js';
import { loadTokenizer } from '../../../lib/tokenizer/tokenizer.js';
import { goldenContainer } from '../../golden/containers.js';
import { checkpointAt, TOY_CONFIG, type ToyPoint } from '../../runs/toy-run.js';
import { damageBytes, damageJson, type Mutated } from './mutations.js';
import type { Random } from './random.js';
import { require, type FuzzTarget } from './target.js';

const TEXTS = [
  'Hello, 12345 boats!',
  'naïve 中文 😀',
  '\n\n  x\t',
  '<|eot_id|>a<|eot_id|>',
  'a'.repeat(60) + '!',
];

const regex = (pattern: string): object => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
});
const many = (count: number, step: object): object[] => Array.from({ length: count }, () => step);
const replace = { type: 'Replace', pattern: { String: 'a' }, content: 'aa' };
const text = { Sequence: { id: 'A', type_id: 0 } };

/** Parts of a tokenizer.json that ask for too much, or for what there is not. */
const HOSTILE_PARTS: readonly Record<string, unknown>[] = [
  ...['(a+)+$', '(a|aa)+$', '(', '', '[\\s\\S]', 'a{0,9999}{0,9999}', '(?<=a*)b', '\\p{Nonsense}'].map(
    (pattern) => ({
      pre_tokenizer: regex(pattern),
    }),
  ),
  ...[12, 1000].map((count) => ({ normalizer: { type: 'Sequence', normalizers: many(count, replace) } })),
  { normalizer: { type: 'Prepend', prepend: 'x'.repeat(1000) } },
  { normalizer: { type: 'NFKD' } },
  { normalizer: { type: 'constructor' } },
  { pre_tokenizer: null },
  { pre_tokenizer: { type: 'FixedLength', length: 0 } },
  { pre_tokenizer: { type: 'Sequence', pretokenizers: many(20, { type: 'ByteLevel' }) } },
  { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: false } },
  { post_processor: { type: 'TemplateProcessing', single: many(1000, text) } },
  { post_processor: { type: 'RobertaProcessing', sep: ['x', 9], cls: ['y', 1e9] } },
  { added_tokens: [{ id: 599, content: 'x'.repeat(100_000), special: true }] },
  { added_tokens: [{ id: -1, content: 'a' }, null] },
  { model: { type: 'BPE', vocab: { constructor: 0, a: 1, aa: 2 }, merges: ['a a', 'a  a'] } },
  { model: { type: 'BPE', vocab: { a: 0 }, merges: ['a a'] } },
];

export function tokenizerTarget(folder: string): FuzzTarget {
  cpSync(join(goldenContainer('packed'), 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));
  const path = join(folder, 'tokenizer.json');
  const original = readFileSync(join(goldenContainer('packed'), 'tokenizer.json'));
  const sound = JSON.parse(original.toString()) as Record<string, unknown>;
  return {
    damage(random) {
      const mutated = random.next() < 0.3 ? withParts(sound, random) : damageText(original, random);
      writeFileSync(path, mutated.bytes);
      return mutated;
    },
    async read({ bytes }) {
      const tokenizer = await loadTokenizer(folder, { textLimitMs: 1000 });
      const { normalizer, added_tokens: added } = JSON.parse(bytes.toString()) as {
        normalizer?: unknown;
        added_tokens?: { lstrip?: unknown; rstrip?: unknown }[];
      };
      const strips = (added ?? []).some(({ lstrip, rstrip }) => lstrip === true || rstrip === true);
      for (const given of TEXTS) {
        const ids = tokenizer.encode(given, { addSpecialTokens: false });
        require(ids.every(
          (id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize,
        ), 'ids are ids');
        const back = tokenizer.decode(ids);
        require(normalizer != null || strips || back === given, 'what was encoded is decoded');
        tokenizer.encode(given);
      }
    },
    isRefusal: (error) => error instanceof TokenizerError && error.message.includes(' must '),
  };
}

function withParts(sound: Record<string, unknown>, random: Random): Mutated {
  const parts = Object.assign(
    {},
    ...Array.from({ length: 1 + random.below(2) }, () => random.pick(HOSTILE_PARTS)),
  ) as object;
  const bytes = Buffer.from(JSON.stringify({ ...sound, ...parts }));
  return { bytes, what: JSON.stringify(parts).slice(0, 200), payloadOnly: false };
}

function damageText(original: Buffer, random: Random): Mutated {
  if (random.next() < 0.2) return damageBytes(original, original.length, random);
  const { text: damaged, what } = damageJson(original.toString(), random);
  return { bytes: Buffer.from(damaged), what, payloadOnly: false };
}

/** A run of ten points with a checkpoint at five: each time one of its files is damaged, emptied or taken away. */
export async function runTarget(folder: string): Promise<FuzzTarget> {
  const source = join(folder, 'sound');
  const run = await openRun<ToyPoint>(source, TOY_CONFIG);
  for (let step = 1; step <= 10; step++) {
    await run.append({ step, loss: 3 / step });
    if (step === 5) await run.saveCheckpoint(checkpointAt(step));
  }
  await run.close();
  const names = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(source.length + 1));
  const copy = join(folder, 'damaged');
  let damagedName = '';
  return {
    damage(random) {
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
      cpSync(source, copy, { recursive: true });
      damagedName = random.pick(names);
      const original = readFileSync(join(source, damagedName));
      const isText = !damagedName.endsWith('.safetensors');
      const choice = random.next();
      if (choice < 0.1) {
        rmSync(join(copy, damagedName));
        return { bytes: Buffer.alloc(0), what: `${damagedName} taken away`, payloadOnly: false };
      }
      const { bytes, what } = isText
        ? damageText(original, random)
        : damageBytes(original, original.length, random);
      writeFileSync(join(copy, damagedName), bytes);
      return { bytes, what: `${damagedName}: ${what}`, payloadOnly: false };
    },
    async read({ bytes }) {
      const { points } = await readRun<ToyPoint>(copy);
      const steps = points.map(({ step }) => step);
      require(steps.every(
        (step, i) => Number.isInteger(step) && step >= (steps[i - 1] ?? 0),
      ), 'steps are in order');
      const open = await openRun<ToyPoint>(copy, TOY_CONFIG).catch((error: unknown) => {
        const isThere = existsSync(join(copy, damagedName));
        const kept = isThere ? readFileSync(join(copy, damagedName)) : Buffer.alloc(0);
        require(kept.equals(bytes), 'a refused folder stays as it is');
        throw error;
      });
      try {
        const checkpoint = await open.loadCheckpoint();
        if (checkpoint === undefined) return;
        const values = [...checkpoint.tensors.values()].flatMap(({ data }) => [...data]);
        const { seen } = checkpoint.state as { seen?: unknown };
        require(seen === 5 &&
          checkpoint.step === 5 &&
          values.join() === '5,5,5,5', 'a checkpoint holds what was saved');
      } finally {
        await open.close();
      }
    },
    isRefusal: (error) =>
      error instanceof RunFolderError && error.message.includes(copy) && error.message.includes(' must '),
  };
}

/** A record of an experiment, or the result of one run. */
export function recordTarget(folder: string): FuzzTarget {
  const recordPath = join(folder, 'record.json');
  const resultPath = join(folder, 'result.json');
  const record = readFileSync(resultsFile('bitlm'));
  const { runs } = JSON.parse(record.toString()) as RecordedResults;
  const result = Buffer.from(JSON.stringify({ ...runs[0], curve: runs[0].curve.slice(0, 3) }));
  let isRecord = true;
  return {
    damage(random) {
      isRecord = random.next() < 0.5;
      const mutated = damageText(isRecord ? record : result, random);
      writeFileSync(isRecord ? recordPath : resultPath, mutated.bytes);
      return mutated;
    },
    async read() {
      const found = isRecord ? (await readRecorded('bitlm', recordPath)).runs : [(await readResult(folder))!];
      for (const { validationLoss, parameters, curve, diverged } of found) {
        require(diverged !== undefined || validationLoss! >= 0, 'a loss is not negative');
        require(Number.isInteger(parameters), 'parameters are counted');
        require(curve.every(({ step }) => Number.isInteger(step)), 'a curve has steps');
      }
    },
    isRefusal: (error) =>
      (error as Error).message.startsWith('read result') && (error as Error).message.includes(folder),
  };
}
