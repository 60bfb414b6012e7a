import { describe, expect, it } from 'vitest';
import { bitnetEnergyTable, reportEnergyTable } from '../../lib/papers/energy-table.js';
import { countOperations, modelEnergy, productEnergyRatio } from '../../lib/papers/energy.js';
import {
  BITNET_2B4T_SHAPE,
  BITNET_B1_SHAPES,
  checkShape,
  embeddingWeights,
  linearWeights,
} from '../../lib/papers/shapes.js';

describe('bitnetEnergyTable', () => {
  it('gives 34 of the 36 printed cells; two of BitNet’s additions differ in the last digit', () => {
    const cells = bitnetEnergyTable();
    expect(cells).toHaveLength(36);
    const different = cells.filter(({ agrees }) => !agrees);
    expect(
      different.map(({ model, arithmetic, process, operation }) => [model, arithmetic, process, operation]),
    ).toEqual([
      ['6.7B', 'bitnet', '7nm', 'add'],
      ['30B', 'bitnet', '7nm', 'add'],
    ]);
    for (const { printed, ours } of different) expect(Math.abs(printed - ours)).toBeLessThan(0.01);
  });
});

describe('reportEnergyTable', () => {
  it('gives all six printed energies', () => {
    const cells = reportEnergyTable();
    expect(cells).toHaveLength(6);
    expect(cells.filter(({ agrees }) => !agrees)).toEqual([]);
  });
});

describe('modelEnergy', () => {
  it('is mostly attention in 2B4T at 512 tokens', () => {
    const { attention, total, add, multiply } = modelEnergy(BITNET_2B4T_SHAPE, 'bitnet');
    expect(attention / total).toBeCloseTo(0.73, 1);
    expect(add + multiply).toBe(total);
  });

  it('grows with the square of the sequence in attention alone', () => {
    const short = countOperations(BITNET_2B4T_SHAPE, 256);
    const long = countOperations(BITNET_2B4T_SHAPE, 512);
    expect(long.linear).toBe(2 * short.linear);
    expect(long.attention).toBe(4 * short.attention);
  });

  it('takes 71.4 times less for a product with ternary weights at 7 nm', () => {
    expect(productEnergyRatio()).toBeCloseTo(71.43, 2);
  });

  it('refuses a sequence without tokens', () => {
    expect(() => modelEnergy(BITNET_2B4T_SHAPE, 'fp16', { tokens: 0 })).toThrow(
      'tokens must be a whole number',
    );
  });
});

describe('shapes', () => {
  it('has 12 · layers · hidden² weights in BitNet’s own sizes, and 2,084,044,800 ternary ones in 2B4T', () => {
    for (const shape of BITNET_B1_SHAPES)
      expect(linearWeights(shape)).toBe(12 * shape.layers * shape.hidden ** 2);
    expect(linearWeights(BITNET_2B4T_SHAPE)).toBe(2_084_044_800);
    expect(embeddingWeights(BITNET_2B4T_SHAPE)).toBe(128_256 * 2560);
  });

  it('refuses sizes that do not fit together', () => {
    expect(() => checkShape({ ...BITNET_2B4T_SHAPE, keyValueHeads: 3 })).toThrow(
      'got 20 and 3 in BitNet 2B4T',
    );
    expect(() => checkShape({ ...BITNET_2B4T_SHAPE, headDim: 62.5 })).toThrow(
      'headDim must be a whole number',
    );
  });
});
