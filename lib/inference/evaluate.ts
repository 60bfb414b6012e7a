/** Logits and perplexity of a given text. */
import type { Engine } from './engine.js';

/**
 * Logits of every token of `ids`.
 * @returns `[ids.length × vocabSize]`, row-major
 * @throws RangeError if so many do not fit into an array
 */
export async function computeLogits(
  engine: Engine,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { memory, team } = engine;
  const { vocab_size: vocab } = memory.config;
  const logits = allocate(ids.length, vocab);
  await forEachLogits(engine, ids, signal, (token, row) => {
    const values = new Float32Array(team.buffer, memory.logits + 4 * row * memory.vocabWidth, vocab);
    for (let id = 0; id < vocab; id++) {
      if (!Number.isFinite(values[id])) throw overflow('logits', values[id], `token ${token}, id ${id}`);
    }
    logits.set(values, token * vocab);
  });
  return logits;
}

/** No order and no sum holds among numbers that are not finite; said, since every figure would come out of it somehow. */
export function overflow(operation: string, found: number, where?: string): Error {
  return new Error(
    `${operation}: logits must be finite, got ${found}${where === undefined ? '' : ` at ${where}`}. ` +
      "The model's numbers overflow float32: look for a diverged training run.",
  );
}

function allocate(tokens: number, vocab: number): Float32Array {
  try {
    return new Float32Array(tokens * vocab);
  } catch {
    const bytes = ((4 * tokens * vocab) / 1e9).toFixed(2);
    throw new RangeError(
      `logits: ${tokens} tokens with ${vocab} logits each need ${bytes} GB, which the engine refused. Ask for fewer tokens at a time.`,
    );
  }
}

/**
 * Σ of the natural log-probabilities that the model gives ids 1, 2, … after those before them.
 * @param ids at least two, at most as many as the context holds
 */
export async function sumLogProbabilities(
  engine: Engine,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<number> {
  const { memory, team, head } = engine;
  let sum = 0;
  await forEachLogits(engine, ids.slice(0, -1), signal, (token, row) => {
    const at = memory.logits / 4 + row * memory.vocabWidth + ids[token + 1];
    const logProbability = new Float32Array(team.buffer, 4 * at, 1)[0] - head.logSumExp(row);
    if (!Number.isFinite(logProbability)) throw overflow('perplexity', logProbability, `token ${token + 1}`);
    sum += logProbability;
  });
  return sum;
}

/** Runs ids from the start, and visits the logits of each: row `row` of `memory.logits`. */
async function forEachLogits(
  engine: Engine,
  ids: readonly number[],
  signal: AbortSignal | undefined,
  visit: (token: number, row: number) => void,
): Promise<void> {
  const { memory, network, head } = engine;
  await engine.process(ids, 0, {
    signal,
    onBatch: (first, tokens) => {
      for (let t = 0; t < tokens; t += memory.logitRows) {
        const rows = Math.min(memory.logitRows, tokens - t);
        network.finalNorm(t, rows, memory.headInput);
        head.computeLogits(rows);
        for (let row = 0; row < rows; row++) visit(first + t + row, row);
      }
    },
  });
}
