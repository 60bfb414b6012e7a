/**
 * A run as one file of Python: train.py with the run's specification in it, and for a text its tokens in a file beside. For readers who
 * have a graphics card and want to extend a grid upwards; nothing here needs one.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ablationOptions, installedVersions, writeFileAtomically, type Corpus } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { EXPERIMENTS_FOLDER } from '../sweep/commit.js';
import { resultProblem } from '../sweep/result-file.js';
import { runId, type RunSpec } from '../sweep/run-spec.js';

/** What train.py knows; anything else is refused, not trained otherwise. */
const KNOWN = {
  weight_quantizer: ['none', 'absmean-ternary', 'sign'],
  activation_quantizer: ['none', 'absmax-int8-token'],
  norm_placement: ['subln', 'preln'],
  straight_through: ['identity'],
} as const;

/**
 * The text of the script, and the tokens that it reads.
 * @param dataFile name of the file of tokens beside the script; a generated language has none
 * @throws Error for a run with a part that train.py does not have
 */
export async function pytorchScript(
  spec: RunSpec,
  corpus: Corpus,
  dataFile: string,
): Promise<{ script: string; tokens?: Buffer }> {
  requireKnown(spec);
  const template = await readFile(join(EXPERIMENTS_FOLDER, 'pytorch', 'train.py'), 'utf8');
  const { tokens, data } = tokensOf(corpus, dataFile);
  const { evaluations: _, ...own } = spec;
  const whole = {
    id: runId(spec),
    ...own,
    model: { ...spec.model, bitlm: ablationOptions(spec.model) },
    finalWindows: spec.finalWindows ?? spec.training.validationWindows,
    versions: installedVersions(),
    ...(data && { data }),
  };
  // Inside of a Python string a backslash would begin an escape.
  const json = JSON.stringify(whole, undefined, 1).replaceAll('\\', '\\\\');
  return { script: template.replace('@SPEC@', () => json), ...(tokens && { tokens }) };
}

function requireKnown({ model, training }: RunSpec): void {
  const options = ablationOptions(model);
  const fail = (what: string, expected: string, found: unknown): never => {
    throw new Error(
      `export run: ${what} must be ${expected}, got ${JSON.stringify(found)}. train.py has no other.`,
    );
  };
  for (const [name, known] of Object.entries(KNOWN)) {
    const found = options[name as keyof typeof KNOWN];
    if (!(known as readonly string[]).includes(found)) fail(name, `one of ${known.join(', ')}`, found);
  }
  const other = Object.keys(options).find((name) => !Object.hasOwn(KNOWN, name));
  if (other !== undefined) fail('options', `of ${Object.keys(KNOWN).join(', ')}`, other);
  if (model.hidden_act === 'gelu') fail('hidden_act', 'relu2 or silu', model.hidden_act);
  if (!model.tie_word_embeddings) fail('tie_word_embeddings', 'true', false);
  if (training.schedule.kind !== 'cosine') fail('schedule', 'cosine', training.schedule.kind);
}

/** Ids of all parts in 16 bits, and what train.py needs to know of them. */
function tokensOf(corpus: Corpus, file: string): { tokens?: Buffer; data?: Record<string, string | number> } {
  if (corpus.ids === undefined) return {};
  const parts = (['training', 'validation', 'test'] as const).map((part) => corpus.ids!(part));
  const tokens = Buffer.concat(parts.map((ids) => littleEndian(ids)));
  const [training, validation, test] = parts.map(({ length }) => length);
  const sha256 = createHash('sha256').update(tokens).digest('hex');
  const testBytesPerToken = corpus.bytesPerToken?.test ?? 0;
  return { tokens, data: { file, sha256, training, validation, test, testBytesPerToken } };
}

function littleEndian(ids: Uint16Array): Buffer {
  const bytes = Buffer.alloc(2 * ids.length);
  ids.forEach((id, i) => bytes.writeUInt16LE(id, 2 * i));
  return bytes;
}

/**
 * Writes the script and, for a text, its tokens beside it.
 * @param path of the script, ending in .py
 * @returns the paths written
 */
export async function exportRun(spec: RunSpec, corpus: Corpus, path: string): Promise<string[]> {
  if (!path.endsWith('.py')) throw new Error(`export run: the output must end in .py, got ${path}.`);
  const beside = path.replace(/\.py$/, '.tokens');
  const { script, tokens } = await pytorchScript(spec, corpus, basename(beside));
  if (tokens) await writeFileAtomically(beside, (file) => file.writeFile(tokens));
  await writeFileAtomically(path, (file) => file.writeFile(script));
  return tokens ? [path, beside] : [path];
}

/**
 * A run that an exported script has trained, to be drawn beside recorded ones: its backend and version are PyTorch's, so it is marked and
 * never averaged with them.
 * @throws Error where the file holds no such run
 */
export async function readExportedRun(path: string): Promise<FinishedRun> {
  const text = await readFile(path, 'utf8');
  let run: Partial<FinishedRun> | undefined;
  try {
    run = JSON.parse(text) as Partial<FinishedRun>;
  } catch {
    run = undefined;
  }
  const isRun = typeof run?.id === 'string' && typeof run.arm === 'string' && run.model !== undefined;
  const problem = isRun ? resultProblem(run) : 'a run must have id, arm and model';
  if (problem === undefined) return run as FinishedRun;
  throw new Error(`read exported run: ${problem} in ${path}. Let the exported script write it again.`);
}
