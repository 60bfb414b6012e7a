/** Windows at the end of a run on an endless language; a text is taken whole. */
const ENDLESS_WINDOWS = 4096;

/** All windows of a text that do not overlap; of an endless language, as many as there are by default. */
export function wholeText(tokens: number, context: number): number {
  return Number.isFinite(tokens) ? Math.floor((tokens - 1) / context) : ENDLESS_WINDOWS;
}
