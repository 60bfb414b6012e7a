import { describe, expect, it } from 'vitest';
import { perfectLosses } from '../../lib/corpora/perfect-losses.js';
import { shannonEntropy, ZipfFacts } from '../../lib/corpora/zipf-facts.js';

const language = new ZipfFacts({ vocabSize: 128, exponent: 1, noise: 0.1, seed: 1 });
const V = 128;

/** All triples of many windows: `windows` rows of 11 triples, read off inputs and the last target. */
function triples(of: ZipfFacts, rows: number): [number, number, number][] {
  const context = 32;
  const { inputs, targets } = of.sampleBatch(0, 9, rows, context);
  const found: [number, number, number][] = [];
  for (let row = 0; row < rows; row++) {
    const tokens = [...inputs.subarray(row * context, (row + 1) * context), targets[(row + 1) * context - 1]];
    for (let at = 0; at < tokens.length; at += 3) found.push([tokens[at], tokens[at + 1], tokens[at + 2]]);
  }
  return found;
}

function chiSquare(counts: ArrayLike<number>, probabilities: ArrayLike<number>, total: number): number {
  let sum = 0;
  for (let n = 0; n < counts.length; n++) {
    sum += (counts[n] - total * probabilities[n]) ** 2 / (total * probabilities[n]);
  }
  return sum;
}

/** Above this a chi-square of so many degrees of freedom lies once in about 30,000 seeds (normal approximation, 4σ). */
const limit = (degrees: number): number => degrees + 4 * Math.sqrt(2 * degrees);

describe("ZipfFacts' exact entropies", () => {
  it('are the known figures for V = 128, s = 1, ε = 0.1', () => {
    const [a, b, v] = language.entropy.kinds;
    expect(a.entropy).toBeCloseTo(3.8491, 4);
    expect(b.entropy).toBe(a.entropy);
    expect(v.entropy).toBeCloseTo(0.804, 4);
    expect([a.name, b.name, v.name]).toEqual(['a', 'b', 'v']);
  });

  it('are those of simple cases that can be done by hand', () => {
    const coin = new ZipfFacts({ vocabSize: 2, exponent: 0, noise: 1 });
    for (const { entropy, unigramLoss } of coin.entropy.kinds) {
      expect(entropy).toBeCloseTo(Math.LN2, 15);
      expect(unigramLoss).toBeCloseTo(Math.LN2, 15);
    }
    expect(coin.entropy.unigramLoss).toBeCloseTo(Math.LN2, 15);
    const sure = new ZipfFacts({ vocabSize: 16, exponent: 1, noise: 0 });
    expect(sure.entropy.kinds[2].entropy).toBe(0);
    const thirds = new ZipfFacts({ vocabSize: 2, exponent: 1 }); // p = 2/3, 1/3
    expect(thirds.entropy.kinds[0].entropy).toBeCloseTo(Math.log(3) - (2 / 3) * Math.LN2, 15);
  });

  it('leave much to learn: the unigram loss of v is near ln V, far above its entropy', () => {
    const { unigramLoss, entropy } = language.entropy.kinds[2];
    expect(unigramLoss).toBeLessThan(Math.log(V));
    expect(unigramLoss - entropy).toBeGreaterThan(3.9);
  });

  it('mean averages over the targets of a window, which are b, v, a, b, v, …', () => {
    const { entropy } = language;
    const { kinds } = entropy;
    expect([0, 1, 2, 3, 4, 5].map((position) => kinds[entropy.kindOfTarget(position)].name)).toEqual([
      'b',
      'v',
      'a',
      'b',
      'v',
      'a',
    ]);
    expect(entropy.mean(1)).toBe(kinds[1].entropy);
    expect(entropy.mean(2)).toBeCloseTo((kinds[1].entropy + kinds[2].entropy) / 2, 12);
    expect(entropy.mean(33)).toBeCloseTo((2 * kinds[0].entropy + kinds[2].entropy) / 3, 12);
  });

  it('do not depend on the table, but the unigram loss of v does', () => {
    const other = new ZipfFacts({ exponent: 1, seed: 2 });
    expect(other.entropy.kinds.map((kind) => kind.entropy)).toEqual(
      language.entropy.kinds.map((kind) => kind.entropy),
    );
    expect(other.entropy.kinds[2].unigramLoss).not.toBe(language.entropy.kinds[2].unigramLoss);
  });
});

describe("ZipfFacts' samples", () => {
  const sample = triples(language, 20_000); // 220,000 triples

  it('have keys of the Zipf distribution', () => {
    for (const place of [0, 1] as const) {
      const counts = new Float64Array(V);
      for (const triple of sample) counts[triple[place]] += 1;
      expect(chiSquare(counts, language.keyProbabilities, sample.length)).toBeLessThan(limit(V - 1));
    }
  });

  it('have keys that are independent of each other and of the triple before', () => {
    // Over the eight most frequent keys, where every cell expects thousands.
    const size = 8;
    const share = language.keyProbabilities.subarray(0, size);
    const total = share.reduce((sum, p) => sum + p, 0);
    const pairs = (pick: (n: number) => [number, number]): void => {
      const counts = new Float64Array(size * size);
      let seen = 0;
      for (let n = 1; n < sample.length; n++) {
        const [x, y] = pick(n);
        if (x >= size || y >= size) continue;
        counts[x * size + y] += 1;
        seen += 1;
      }
      const expected = Float64Array.from(
        counts,
        (_, n) => (share[Math.floor(n / size)] * share[n % size]) / total ** 2,
      );
      expect(chiSquare(counts, expected, seen)).toBeLessThan(limit(size * size - 1));
    };
    pairs((n) => [sample[n][0], sample[n][1]]);
    pairs((n) => [sample[n - 1][1], sample[n][0]]);
    pairs((n) => [sample[n - 1][0], sample[n][0]]);
  });

  it('have values that are looked up, but for ε drawn uniformly', () => {
    const q = 0.9 + 0.1 / V;
    const missed = new Float64Array(V); // how far a wrong value lies from the right one, which is uniform too
    let misses = 0;
    for (const [a, b, v] of sample) {
      const distance = (v - language.facts[a * V + b] + V) % V;
      if (distance === 0) continue;
      missed[distance] += 1;
      misses += 1;
    }
    const error = Math.sqrt(q * (1 - q) * sample.length);
    expect(Math.abs(misses - (1 - q) * sample.length)).toBeLessThan(4 * error);
    expect(chiSquare(missed.subarray(1), new Float64Array(V - 1).fill(1 / (V - 1)), misses)).toBeLessThan(
      limit(V - 2),
    );
  });

  it('cost the exact model its entropies, to within four standard errors', () => {
    const r = 0.1 / V;
    const q = 0.9 + r;
    const lossOfKey = (key: number): number => -Math.log(language.keyProbabilities[key]);
    const lossOfValue = ([a, b, v]: [number, number, number]): number =>
      -Math.log(v === language.facts[a * V + b] ? q : r);
    const losses = [
      sample.map(([a]) => lossOfKey(a)),
      sample.map(([, b]) => lossOfKey(b)),
      sample.map(lossOfValue),
    ];
    for (const [kind, values] of losses.entries()) {
      const mean = values.reduce((sum, loss) => sum + loss, 0) / values.length;
      const variance = values.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / values.length;
      const tolerance = 4 * Math.sqrt(variance / values.length); // about 0.014 for the keys, 0.014 for v
      expect(tolerance).toBeLessThan(0.02);
      expect(Math.abs(mean - language.entropy.kinds[kind].entropy)).toBeLessThan(tolerance);
    }
  });

  it('have the token frequencies that the unigram loss is computed from', () => {
    const counts = new Float64Array(V);
    for (const triple of sample) for (const token of triple) counts[token] += 1;
    const frequencies = counts.map((count) => count / (3 * sample.length));
    // The entropy of observed frequencies lies below the true one by about (V − 1) / 2n, here 1e-4.
    expect(Math.abs(shannonEntropy(frequencies) - language.entropy.unigramLoss)).toBeLessThan(0.005);
  });

  it('have facts that are spread evenly over the vocabulary', () => {
    const counts = new Float64Array(V);
    for (const value of language.facts) counts[value] += 1;
    expect(chiSquare(counts, new Float64Array(V).fill(1 / V), V * V)).toBeLessThan(limit(V - 1));
  });
});

describe('ZipfFacts', () => {
  it('sampleBatch depends on seed and step alone', () => {
    const same = new ZipfFacts({ vocabSize: 128, exponent: 1, noise: 0.1, seed: 1 });
    same.sampleBatch(0, 1, 3, 5);
    expect(same.sampleBatch(41, 7, 4, 33)).toEqual(language.sampleBatch(41, 7, 4, 33));
    expect(same.sampleBatch(42, 7, 4, 33)).not.toEqual(language.sampleBatch(41, 7, 4, 33));
    expect(same.sampleBatch(41, 8, 4, 33)).not.toEqual(language.sampleBatch(41, 7, 4, 33));
  });

  it.each([1, 2, 3, 4, 5, 31])(
    'windows of %i tokens have their targets one position later, inside the vocabulary',
    (context) => {
      const { inputs, targets } = language.sampleBatch(1, 2, 3, context);
      expect([inputs.length, targets.length]).toEqual([3 * context, 3 * context]);
      for (let row = 0; row < 3; row++) {
        for (let t = 0; t + 1 < context; t++) {
          expect(targets[row * context + t]).toBe(inputs[row * context + t + 1]);
        }
      }
      expect(targets.every((id) => id >= 0 && id < V)).toBe(true);
    },
  );

  it('testWindows are fixed, and a stream of their own', () => {
    const { inputs } = language.testWindows(4, 32);
    expect(language.testWindows(8, 32).inputs.subarray(0, 4 * 32)).toEqual(inputs);
    expect(language.validationWindows(4, 32).inputs).not.toEqual(inputs);
  });

  it('validationWindows are fixed: fewer are the first of many, and no training batch has them', () => {
    const { inputs } = language.validationWindows(10, 32);
    expect(language.validationWindows(4, 32).inputs).toEqual(inputs.subarray(0, 4 * 32));
    for (let seed = 0; seed < 3; seed++) {
      const training = language.sampleBatch(0, seed, 1, 32).inputs.join();
      for (let row = 0; row < 10; row++)
        expect(inputs.subarray(row * 32, row * 32 + 32).join()).not.toBe(training);
    }
  });

  it('has a hash that changes with every parameter and with nothing else', () => {
    const hashes = [{}, { vocabSize: 64 }, { exponent: 1 }, { noise: 0.2 }, { seed: 1 }].map(
      (o) => new ZipfFacts(o).hash,
    );
    expect(new Set(hashes).size).toBe(5);
    expect(new ZipfFacts({ noise: 0.1, exponent: 1.5 }).hash).toBe(hashes[0]);
  });

  it.each([
    [{ vocabSize: 1 }, /vocabSize must be a whole number from 2 to 4096, got 1/],
    [{ vocabSize: 2.5 }, /vocabSize/],
    [{ vocabSize: 1e9 }, /vocabSize/],
    [{ exponent: -1 }, /exponent must be a number from 0 to 100, got -1/],
    [{ exponent: Number.NaN }, /exponent/],
    [{ noise: 1.1 }, /noise must be a probability from 0 to 1, got 1.1/],
    [{ noise: Number.NaN }, /noise/],
    [{ seed: -1 }, /seed/],
  ])('rejects %j', (options, message) => {
    expect(() => new ZipfFacts(options)).toThrow(message);
  });
});

describe('a start token', () => {
  const started = new ZipfFacts({ vocabSize: 128, exponent: 1.5, startToken: true });

  it('opens every window, and the targets are then a, b, v, a, …', () => {
    const context = 33;
    const { inputs, targets } = started.sampleBatch(3, 1, 4, context);
    expect(started.vocabSize).toBe(129);
    for (let row = 0; row < 4; row++) {
      const at = row * context;
      expect(inputs[at]).toBe(128);
      expect([...inputs.subarray(at + 1, at + context)]).toEqual([...targets.subarray(at, at + context - 1)]);
    }
    expect(Math.max(...targets)).toBeLessThan(128);
    const { entropy } = started;
    expect([0, 1, 2, 3].map((position) => entropy.kinds[entropy.kindOfTarget(position)].name)).toEqual([
      'a',
      'b',
      'v',
      'a',
    ]);
  });

  it('leaves the triples as they are without one, and has a hash of its own', () => {
    const plain = new ZipfFacts({ vocabSize: 128, exponent: 1.5 });
    const { inputs } = plain.sampleBatch(3, 1, 1, 33);
    expect([...started.sampleBatch(3, 1, 1, 33).targets]).toEqual([...inputs]);
    expect(started.hash).not.toBe(plain.hash);
  });
});

describe('perfectLosses', () => {
  it('are near the entropies, by the noise of the sample', () => {
    for (const startToken of [false, true]) {
      const of = new ZipfFacts({ startToken });
      const found = perfectLosses(of, 4096, 33);
      for (const { name, entropy } of of.entropy.kinds) {
        expect(Math.abs(found[name] - entropy)).toBeLessThan(0.04);
        expect(found[name]).not.toBe(entropy);
      }
    }
  });

  it('are the entropy of a sure language, whatever was drawn', () => {
    const sure = new ZipfFacts({ vocabSize: 16, exponent: 0, noise: 0 });
    const found = perfectLosses(sure, 8, 9);
    expect(found.v).toBe(0);
    expect(found.a).toBeCloseTo(Math.log(16), 12);
  });
});
