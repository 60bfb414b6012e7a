/**
 * A model that writes: a ternary model of the text grid's kind, trained for several passes, packed small enough for the repository, and the same
 * shape in full precision beside it, with what both make of a few openings.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportCheckpoint,
  writeFileAtomically,
  type Corpus,
  type TrainableModel,
  type Training,
} from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { runId, type RunSpec } from '../sweep/run-spec.js';
import { writtenRate } from '../sweep/rate-search.js';
import { sizedModel, type Shape } from '../sweep/sized-model.js';
import { trainRun } from '../sweep/train-run.js';
import { bodyParameters, cellRun, searchSurface, tokensOf, type Grid } from './grid.js';
import { PASS } from './grids.js';

/** Ternary first. */
const WRITERS = ['b1.58', 'full-precision'] as const;

/** 4.8 M trits in 1.2 MB, and 4.2 MB of embedding, which keeps the 32 bits that it was trained in. */
const SHAPE: Shape = { layers: 6, width: 256 };

const MOST_BYTES = 6e6;

/** Beginnings in the manner of the text. */
const OPENINGS = [
  'Fellow citizens of the Senate',
  'The state of our Union',
  'Tonight, I ask the Congress to',
];

/** Tokens that follow an opening, and how they are drawn. */
const SAMPLE = { tokens: 80, temperature: 0.7, seed: 1 } as const;

/** Text by both models. */
export interface WriterSamples {
  /** Test loss in bits per byte, by arm. */
  bitsPerByte: Record<string, number>;
  samples: { opening: string; arm: string; text: string }[];
}

/**
 * The two runs.
 * @param grid of the text
 * @param finished with its tuning runs, which rates follow from
 * @param passes through the training part
 * @param rates by arm, in the place of those
 * @param shape of both
 * @throws Error where a rate is neither given nor tuned
 */
export function writerRuns(
  grid: Grid,
  finished: readonly FinishedRun[],
  { passes, rates = {}, shape = SHAPE }: { passes: number; rates?: Record<string, number>; shape?: Shape },
): RunSpec[] {
  const steps = Math.round(passes * PASS);
  return WRITERS.map((name) => {
    const arm = grid.arms.find((one) => one.name === name)!;
    const { surface } = searchSurface(grid, arm, { count: 6, extensions: 3 }, finished);
    const parameters = bodyParameters(sizedModel(grid, shape, arm));
    const rate = rates[name] ?? surface?.at(parameters, tokensOf({ ...grid, steps }));
    if (rate !== undefined) {
      return cellRun(grid, arm, { shape, steps, peak: writtenRate(rate, 2), seed: 1 });
    }
    throw new Error(
      `train writer: the rate of ${name} must be tuned or given, got neither. ` +
        'Tune it: npm run experiment -- scaling-law --preset full --only union --only tune. Or give --rate and --full-rate.',
    );
  });
}

/**
 * Trains both in their run folders, or goes on with them, and writes the ternary one, packed, with samples of both into a folder.
 * @param onNote hears where it stands
 * @returns undefined where the signal stopped it
 * @throws Error where a run diverged, or the packed model is larger than it may be; nothing is written then
 */
export async function trainWriter(
  training: Training,
  corpus: Corpus,
  runs: readonly RunSpec[],
  { runsFolder, output, mostBytes = MOST_BYTES, signal, onNote = () => {} }: WriterOptions,
): Promise<WriterSamples | undefined> {
  const found: WriterSamples = { bitsPerByte: {}, samples: [] };
  for (const spec of runs) {
    const folder = join(runsFolder, runId(spec));
    const onPoint = ({ step, validationLoss }: { step: number; validationLoss?: number }): void => {
      if (validationLoss !== undefined)
        onNote(`${spec.arm}: step ${step} of ${spec.training.steps}, ${validationLoss.toFixed(3)}`);
    };
    const result = await trainRun(training, corpus, spec, folder, { signal, onPoint });
    if (result === undefined) return undefined;
    if (result.test === undefined)
      throw new Error(`train writer: ${spec.name} must not diverge. Give a lower rate.`);
    found.bitsPerByte[spec.arm] = result.test.loss / Math.LN2 / (result.test.bytesPerToken ?? 1);
    const model = await training.openModel(join(folder, 'checkpoint'));
    try {
      for (const opening of OPENINGS)
        found.samples.push({ opening, arm: spec.arm, text: await continued(model, corpus, opening) });
    } finally {
      model.dispose();
    }
  }
  await pack(join(runsFolder, runId(runs[0]), 'checkpoint'), output, mostBytes);
  const text = `${JSON.stringify(found, undefined, 1)}\n`;
  await writeFileAtomically(join(output, 'samples.json'), (file) => file.writeFile(text));
  return found;
}

export interface WriterOptions {
  /** Holds a folder for each run, by its id. */
  runsFolder: string;
  output: string;
  /** 6 MB by default: what the repository takes. */
  mostBytes?: number;
  signal?: AbortSignal;
  onNote?: (note: string) => void;
}

async function continued(model: TrainableModel, { tokenizer }: Corpus, opening: string): Promise<string> {
  let text = '';
  for await (const piece of model.generate(tokenizer!, opening, SAMPLE)) text += piece;
  return text;
}

/** Packs beside first, so that a model that is too large replaces nothing. */
async function pack(checkpoint: string, output: string, mostBytes: number): Promise<void> {
  const trial = await mkdtemp(join(tmpdir(), 'bitnet-writer-'));
  try {
    const packed = join(trial, 'packed');
    await exportCheckpoint(checkpoint, { format: 'packed', output: packed });
    const bytes = await folderBytes(packed);
    if (bytes > mostBytes) {
      throw new Error(
        `train writer: the packed model must have at most ${mostBytes} bytes, got ${bytes}. Take a narrower one.`,
      );
    }
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
  await exportCheckpoint(checkpoint, { format: 'packed', output });
}

async function folderBytes(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
