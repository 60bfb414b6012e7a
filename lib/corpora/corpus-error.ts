/** Thrown for data that no model can be trained on. The message names the file, what was found and what to do. */
export class CorpusError extends Error {
  override readonly name = 'CorpusError';
}

/** @throws CorpusError if a size is not a whole number from 1 to 2^24 */
export function checkWindowSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 24) {
      throw new CorpusError(
        `draw windows: ${name} must be a whole number from 1 to ${2 ** 24}, got ${value}.`,
      );
    }
  }
}
