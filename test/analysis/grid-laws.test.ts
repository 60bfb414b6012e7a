import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interval, type Contrast } from '../../lib/analysis/contrast.js';
import { fitEffectiveParameters } from '../../lib/analysis/effective-parameters.js';
import { excessBends, fitExcessLaw, type GridCell } from '../../lib/analysis/excess-law.js';
import { fitGapLaw, fitGapPlane } from '../../lib/analysis/gap-law.js';
import { predictCells } from '../../lib/analysis/held-out-cells.js';
import { gapLawCoverage, gridCoverage, MADE_UP_GRID } from '../../lib/analysis/made-up-grid.js';
import { fitRateSurface, type TunedPlace } from '../../lib/analysis/rate-surface.js';

type Known = Pick<Contrast, 'value' | 'standardError'>;

/** What SciPy found, made by test/golden/analysis/grid.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/analysis/grid.json', import.meta.url), 'utf8')) as {
  entropy: number;
  cells: Record<'full' | 'ternary' | 'binary', GridCell[]>;
  law: Record<'alpha' | 'beta' | 'tokensOverSize', Known> & { scatter: number; degrees: number };
  bends: Record<'size' | 'tokens', Known>;
  logWorth: Known[];
  plane: Record<'size' | 'tokens' | 'together', Known> & { bendP: number };
  gapLaw: Record<'gammaN' | 'gammaD', Known>;
};
const { entropy, cells } = golden;
const gaps = cells.full.map(({ parameters, tokens, loss }, i) => ({
  parameters,
  tokens,
  gap: cells.ternary[i].loss - loss,
}));

/** A contrast as SciPy has it. */
function like({ value, standardError }: Known): object {
  return {
    value: expect.closeTo(value, 4) as number,
    standardError: expect.closeTo(standardError, 5) as number,
  };
}

/** L − H = 40/N^0.45 + 800/D^0.55 + bend·(ln N − ln 10⁴)² in the exponent of the first. */
function exact(bend = 0): GridCell[] {
  return [1e3, 4e3, 1e4, 4e4, 1e5].flatMap((parameters) =>
    [1e5, 4e5, 1e6, 4e6].map((tokens) => {
      const n = Math.log(parameters / 1e4);
      const size = 40 * 1e4 ** -0.45 * Math.exp(-0.45 * n - bend * n * n);
      return { parameters, tokens, loss: entropy + size + 800 * tokens ** -0.55 };
    }),
  );
}

describe('fitExcessLaw', () => {
  it('finds what SciPy finds, with the same standard errors', () => {
    const law = fitExcessLaw(cells.full, entropy);
    for (const name of ['alpha', 'beta', 'tokensOverSize'] as const)
      expect(law[name]).toMatchObject(like(golden.law[name]));
    expect(law.scatter).toBeCloseTo(golden.law.scatter, 6);
    expect(law.alpha.degrees).toBe(golden.law.degrees);
  });

  it('finds the law that exact losses were made from', () => {
    const law = fitExcessLaw(exact(), entropy);
    expect(law.alpha.value).toBeCloseTo(0.45, 5);
    expect(law.beta.value).toBeCloseTo(0.55, 5);
    expect(law.at(2e5, 1e7)).toBeCloseTo(entropy + 40 * 2e5 ** -0.45 + 800 * 1e7 ** -0.55, 5);
  });

  it('knows nothing where tokens do not matter', () => {
    const flat = exact().map((cell) => ({ ...cell, loss: entropy + 40 * cell.parameters ** -0.45 }));
    const { low, high } = interval(fitExcessLaw(flat, entropy).beta);
    expect(high - low).toBeGreaterThan(1);
  });

  it('says what it needs', () => {
    expect(() => fitExcessLaw(exact().slice(0, 4), entropy)).toThrow(
      'fit L(N, D) − H: there must be at least 6 cells of 3 sizes and 3 numbers of tokens, got 4 of 1 and 4.',
    );
    expect(() => fitExcessLaw(exact(), 2)).toThrow('losses must lie above the entropy of 2.0000 nat');
  });
});

describe('excessBends', () => {
  it('finds what SciPy finds', () => {
    const bends = excessBends(cells.full, entropy);
    expect(bends.size).toMatchObject(like(golden.bends.size));
    expect(bends.tokens).toMatchObject(like(golden.bends.tokens));
  });

  it('is zero for powers, and sees a bend that R² would not', () => {
    expect(excessBends(exact(), entropy).size.value).toBeCloseTo(0, 4);
    const { size } = excessBends(exact(0.02), entropy);
    // The local exponent rises by 2 · 0.02 · ln 100 over the sizes; α is the one at their middle.
    const middle = Math.log((1e3 * 4e3 * 1e4 * 4e4 * 1e5) ** 0.2 / 1e4);
    const truth = (2 * 0.02 * Math.log(100)) / (0.45 + 2 * 0.02 * middle);
    expect(size.value / truth).toBeGreaterThan(0.8);
    expect(size.value / truth).toBeLessThan(1.2);
  });
});

describe('fitEffectiveParameters', () => {
  it('finds what SciPy finds for both arms', () => {
    const { logWorth } = fitEffectiveParameters(cells.full, [cells.ternary, cells.binary], entropy);
    expect(logWorth).toMatchObject(golden.logWorth.map(like));
  });
});

describe('fitGapPlane and fitGapLaw', () => {
  it('find what SciPy finds', () => {
    const plane = fitGapPlane(gaps);
    for (const name of ['size', 'tokens', 'together'] as const)
      expect(plane[name]).toMatchObject(like(golden.plane[name]));
    expect(plane.bendP! / golden.plane.bendP).toBeCloseTo(1, 4);
    const law = fitGapLaw(gaps);
    expect(law.gammaN).toMatchObject(like(golden.gapLaw.gammaN));
    expect(law.gammaD).toMatchObject(like(golden.gapLaw.gammaD));
  });

  it('find exact slopes and exponents', () => {
    const sloped = gaps.map((cell) => ({
      ...cell,
      gap: 0.3 - 0.1 * Math.log10(cell.parameters / 1e4) + 0.02 * Math.log10(cell.tokens / 1e6),
    }));
    const plane = fitGapPlane(sloped);
    const { size, tokens, together } = plane;
    expect([size.value, tokens.value, together.value]).toEqual(
      [-0.1, 0.02, -0.08].map((one) => expect.closeTo(one, 9)),
    );
    expect(plane.at(1e4, 1e6)).toBeCloseTo(0.3, 9);
    const power = gaps.map((cell) => ({ ...cell, gap: 0.7 * cell.tokens ** 0.1 * cell.parameters ** -0.3 }));
    const law = fitGapLaw(power);
    expect(law.gammaN.value).toBeCloseTo(0.3, 6);
    expect(law.gammaD.value).toBeCloseTo(0.1, 6);
    expect(law.at(1e4, 1e6)).toBeCloseTo(0.7 * 1e6 ** 0.1 * 1e4 ** -0.3, 6);
  });

  it('refuse a power of gaps below zero', () => {
    expect(() => fitGapLaw(gaps.map((cell) => ({ ...cell, gap: -cell.gap })))).toThrow('must be above 0');
  });
});

describe('predictCells', () => {
  it('meets cells that follow the law, and notices one that does not', () => {
    const isLargest = ({ parameters }: GridCell): boolean => parameters === 157_000;
    for (const { error } of predictCells(cells.full, entropy, isLargest)) {
      const { low, high } = interval(error, 0.999);
      expect(low < 0 && high > 0).toBe(true);
    }
    const broken = cells.full.map((cell) =>
      isLargest(cell) ? { ...cell, loss: entropy + 1.5 * (cell.loss - entropy) } : cell,
    );
    for (const { error } of predictCells(broken, entropy, isLargest)) {
      expect(interval(error).low).toBeGreaterThan(0);
    }
  });
});

describe('fitRateSurface', () => {
  const place = (parameters: number, tokens: number): TunedPlace => ({
    parameters,
    tokens,
    best: 2 * parameters ** -0.3 * tokens ** -0.1,
    octaves: 0.2,
    curvature: 0.04,
  });
  const places = [place(1e3, 1e5), place(1e3, 1e6), place(1e5, 1e5), place(1e4, 4e5), place(1e5, 4e5)];

  it('finds an exact plane', () => {
    const plane = fitRateSurface(places);
    expect(plane.bend).toBeCloseTo(0, 9);
    expect(plane.slopes.parameters).toBeCloseTo(-0.3, 9);
    expect(plane.slopes.tokens).toBeCloseTo(-0.1, 9);
    expect(plane.at(3e4, 2e6)).toBeCloseTo(2 * 3e4 ** -0.3 * 2e6 ** -0.1, 9);
    expect(plane.cost(1e4, 4e5)).toBeLessThan(plane.cost(1e5, 1e8));
  });

  it('finds an exact bend along size, but for too few places or sizes', () => {
    const bent = places.map((one) => {
      const doublings = Math.log2(one.parameters / 1e4);
      return { ...one, best: one.best * 2 ** (-0.05 * doublings ** 2) };
    });
    const surface = fitRateSurface(bent);
    expect(surface.bend).toBeCloseTo(-0.05, 9);
    expect(surface.at(1e4, 1e6)).toBeCloseTo(2 * 1e4 ** -0.3 * 1e6 ** -0.1, 9);
    expect(fitRateSurface(bent.slice(0, 4)).bend).toBe(0);
    const twoSizes = bent.map((one) => ({ ...one, parameters: Math.max(one.parameters, 1e4) }));
    expect(fitRateSurface(twoSizes).bend).toBe(0);
  });

  it('is drawn less by a curve that does not know its best rate', () => {
    const bent = (octaves: number): TunedPlace[] =>
      places.map((one, i) => (i === 1 ? { ...one, best: 4 * one.best, octaves } : one));
    const off = (surface: ReturnType<typeof fitRateSurface>): number =>
      Math.abs(Math.log2(surface.at(1e3, 1e5) / places[0].best));
    expect(off(fitRateSurface(bent(2)))).toBeLessThan(off(fitRateSurface(bent(0.05))));
  });
});

describe('coverage', () => {
  it('of every interval is near 95 % on made-up grids', () => {
    const held = { ...gridCoverage(60, MADE_UP_GRID), ...gapLawCoverage(60) };
    // 60 trials of 0.95: fewer than 0.83 happens once in ten thousand.
    for (const [name, share] of Object.entries(held)) expect(share, name).toBeGreaterThanOrEqual(0.83);
  });
});
