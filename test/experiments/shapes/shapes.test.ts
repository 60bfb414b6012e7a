import { describe, expect, it } from 'vitest';
import { latencyClaims } from '../../../experiments/shapes/claims.js';
import { formulaClaims } from '../../../experiments/shapes/formula-claims.js';
import { findMeasurement, readShapes } from '../../../experiments/shapes/results.js';

describe('shapes', () => {
  it('says which command records them, where nothing is recorded', async () => {
    await expect(readShapes('/nowhere/shapes.json')).rejects.toThrow('npm run bench -- shapes --record');
    const record = { command: 'npm run bench -- shapes --record', machine: '', measurements: [] };
    expect(() => findMeasurement(record, '3B', 'fp16')).toThrow('Make it: npm run bench -- shapes --record');
    expect(() => latencyClaims(record)).toThrow('must be recorded');
  });
});

describe('formulaClaims', () => {
  it('finds the printed energies, 71.4 for a product and far less for a model', () => {
    const verdicts = formulaClaims();
    const of = (start: string) => verdicts.find(({ claim }) => claim.startsWith(start))!;
    expect(of('BitNet’s energy table')).toMatchObject({ verdict: 'agrees' });
    expect(of('BitNet’s energy table').measure).toContain('34 to the digit');
    expect(of('The energies of the 2B4T report').verdict).toBe('agrees');
    expect(of('A matrix product').verdict).toBe('agrees');
    // 25.2 by the formula, 21.7 printed, at 3B; the other four sizes are within 2.6 %.
    expect(of('A model takes').verdict).toBe('disagrees');
    expect(of('A model takes').ours.value).toBeCloseTo(25.2 / 21.7, 2);
    expect(of('13B b1.58').verdict).toBe('agrees');
    expect(of('70B on two 80 GB devices takes').verdict).toBe('untestable here');
  });
});

describe('the recorded speeds', () => {
  it('hold the speed of every form at every shape of the papers, trits three times as fast as fp16 at 3B', async () => {
    const shapes = await readShapes();
    for (const shape of ['700M', '1.3B', '3B', '3.9B', 'BitNet 2B4T']) {
      for (const form of ['ternary', 'fp16', 'fp32'] as const) {
        for (const threads of [1, 2])
          expect(findMeasurement(shapes, shape, form, threads).layersMs).toBeGreaterThan(0);
      }
    }
    const [ternary, fp16] = (['ternary', 'fp16'] as const).map((form) => findMeasurement(shapes, '3B', form));
    expect(fp16.layersMs / ternary.layersMs).toBeGreaterThanOrEqual(3);
  });
});
