import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configDifferences,
  installedVersions,
  runIdentity,
  stableJson,
  type RunConfig,
} from '../../lib/runs/run-config.js';
import { TOY_CONFIG } from './toy-run.js';

describe('runIdentity', () => {
  it('does not depend on the order of keys, nor on the machine', () => {
    const turned = JSON.parse(JSON.stringify(TOY_CONFIG), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as RunConfig;
    const elsewhere = { ...turned, versions: { ...turned.versions, node: 'v24' } };
    expect(JSON.stringify(turned)).not.toBe(JSON.stringify(TOY_CONFIG));
    expect(runIdentity(elsewhere)).toBe(runIdentity(TOY_CONFIG));
    expect(runIdentity(TOY_CONFIG)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, Partial<RunConfig>]>([
    ['seed', { seeds: { weights: 2, batches: 2 } }],
    ['option', { training: { batch: 13 } }],
    ['model', { model: { ...TOY_CONFIG.model, hidden_size: 64 } }],
    ['text', { data: { name: 'toy', sha256: 'cd'.repeat(32) } }],
  ])('differs with another %s', (_, change) => {
    expect(runIdentity({ ...TOY_CONFIG, ...change })).not.toBe(runIdentity(TOY_CONFIG));
  });
});

describe('stableJson', () => {
  it('gives one text for the same data, and reads back as that data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = stableJson(value);
        expect(stableJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses numbers that JSON has no word for', () => {
    expect(() => stableJson({ a: [1, { b: Infinity }] })).toThrow(
      /value\.a\[1\]\.b must be a finite number, got Infinity/,
    );
  });
});

describe('configDifferences', () => {
  it('finds none in equal data and every one in other data', () => {
    expect(configDifferences({ a: { b: [1, 2] } }, { a: { b: [1, 2] } })).toEqual([]);
    expect(configDifferences({ a: { b: [1, 2] }, c: 1 }, { a: { b: [2, 1] }, d: null })).toEqual([
      'a.b: [1,2] in the folder, [2,1] now',
      'c: 1 in the folder, nothing now',
      'd: nothing in the folder, null now',
    ]);
  });
});

it('installedVersions names Node.js, the project and TensorFlow.js', () => {
  const { node, project, packages } = installedVersions();
  expect(node).toBe(process.version);
  expect(project).toMatch(/^\d+\.\d+\.\d+/);
  expect(packages['@tensorflow/tfjs']).toMatch(/^\d+\.\d+\.\d+/);
});
