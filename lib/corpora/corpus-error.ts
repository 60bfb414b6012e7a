/** Thrown for data that no model can be trained on. The message names the file, what was found and what to do. */
export class CorpusError extends Error {
  override readonly name = 'CorpusError';
}

/** Tokens of all windows together: their ids alone take half a gigabyte. */
const MAX_TOKENS = 2 ** 26;

/** @throws CorpusError if a size is not a whole number from 1 to 2^24, or all windows together have over 2^26 tokens */
export function checkWindowSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 24) {
      throw new CorpusError(
        `draw windows: ${name} must be a whole number from 1 to ${2 ** 24}, got ${value}.`,
      );
    }
  }
  const tokens = Object.values(sizes).reduce((product, value) => product * value, 1);
  if (tokens > MAX_TOKENS) {
    const names = Object.entries(sizes).map(([name, value]) => `${name} ${value}`);
    throw new CorpusError(
      `draw windows: all windows together must have at most ${MAX_TOKENS} tokens, got ${names.join(' by ')}.`,
    );
  }
}
