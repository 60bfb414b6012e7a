import { describe, expect, it } from 'vitest';
import { CLAIM_SOURCES } from '../../../experiments/commands/claim-sources.js';
import { HEADLINES, headlinesOf } from '../../../experiments/commands/headlines.js';

const judged = (await Promise.all(CLAIM_SOURCES.map((source) => source.claims()))).flatMap(
  (claims) => claims ?? [],
);

describe('the claims of all sources', () => {
  it('are each listed once', () => {
    const texts = judged.map(({ claim }) => claim);
    expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([]);
  });

  it('decide every headline, and name none that does not exist', () => {
    for (const { text, claims } of headlinesOf(judged)) expect(claims.length, text).toBeGreaterThan(0);
    for (const { headline = 1, claim } of judged) expect(HEADLINES[headline - 1], claim).toBeDefined();
  });

  it('say whose a margin is, wherever one is not of the paper', () => {
    // Bounds that are neither zero, nor a ratio of one, nor a printed number are this project's.
    const printed =
      /energy|energies|GB|0\.028|29 ms|times|three times|additions|README|drop-in|over 80|zero|0\.055 nats/;
    const silent = judged.filter(({ claim, paper, measure, expected }) => {
      const { atLeast, atMost, ours } = expected;
      const isMargin = atLeast !== undefined || atMost !== undefined;
      return isMargin && ours === undefined && !printed.test(`${claim} ${paper} ${measure}`);
    });
    expect(silent.map(({ claim }) => claim)).toEqual([]);
  });

  it('tell of every open one what it takes', () => {
    for (const { claim, verdict, power, untestable } of judged) {
      expect(power !== undefined, claim).toBe(verdict === 'underpowered');
      expect(untestable !== undefined, claim).toBe(verdict === 'untestable here');
    }
  });
});
