/** A record of hours of computing is not replaced by less in passing. */
import type { RunSpec } from '../sweep/run-spec.js';

/** What the reported runs of an arm on a corpus amount to. */
interface ArmSize {
  runs: number;
  /** Tokens that they were trained on. */
  tokens: number;
}

/** By arm and corpus. A run at two learning rates counts once: which rates are run follows from tuning. */
function armSizes(runs: readonly RunSpec[]): Map<string, ArmSize> {
  const tokensByRun = new Map<string, { name: string; tokens: number }>();
  for (const { role, arm, corpus, model, training } of runs) {
    if (role !== 'final') continue;
    const { steps, batch, context, seeds } = training;
    const name = `${arm} on ${corpus.name}`;
    const key = JSON.stringify([name, model, steps, seeds]);
    tokensByRun.set(key, { name, tokens: steps * batch * context });
  }
  const sizes = new Map<string, ArmSize>();
  for (const { name, tokens } of tokensByRun.values()) {
    const before = sizes.get(name) ?? { runs: 0, tokens: 0 };
    sizes.set(name, { runs: before.runs + 1, tokens: before.tokens + tokens });
  }
  return sizes;
}

/** What a new record takes away from the old one, a line an arm: final runs, and the tokens that they were trained on. */
export function lostArms(recorded: readonly RunSpec[], next: readonly RunSpec[]): string[] {
  const sizes = armSizes(next);
  const size = ({ runs, tokens }: ArmSize): string => `${runs} runs of ${(tokens / 1e6).toFixed(2)} M tokens`;
  return [...armSizes(recorded)].flatMap(([name, old]) => {
    const now = sizes.get(name);
    if (now && now.runs >= old.runs && now.tokens >= old.tokens) return [];
    return [`${name}: ${size(old)}, ${now ? `then ${size(now)}` : 'then none'}`];
  });
}

/**
 * @param next the runs that are to take the record's place, finished or still planned
 * @throws Error that says what would go, where the new record is smaller in any arm
 */
export function requireNotSmaller(
  experiment: string,
  recorded: readonly RunSpec[],
  next: readonly RunSpec[],
): void {
  const lost = lostArms(recorded, next);
  if (lost.length === 0) return;
  const shown = lost.slice(0, 8);
  const more = lost.length > shown.length ? `\n  and ${lost.length - shown.length} more arms` : '';
  throw new Error(
    `record ${experiment}: the record must not get smaller, got ${lost.length} arms with fewer or shorter runs. ` +
      `What would go:\n  ${shown.join('\n  ')}${more}\n` +
      'Add --replace to record all the same, or leave --record out: finished runs stay in their folder.',
  );
}
