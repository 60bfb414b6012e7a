import { afterEach, expect, test, vi } from 'vitest';
import { choosePreset } from '../../../experiments/sweep/preset.js';

afterEach(() => vi.unstubAllEnvs());

test.each([
  [undefined, undefined, 'laptop'],
  [undefined, '', 'laptop'],
  [undefined, 'smoke', 'smoke'],
  ['full', 'smoke', 'full'],
] as const)('choosePreset(%s) with BITNET_PRESET %s is %s', (given, variable, preset) => {
  vi.stubEnv('BITNET_PRESET', variable);
  expect(choosePreset(given)).toBe(preset);
});

test('another name is refused, and its place is told', () => {
  expect(() => choosePreset('fast' as 'full')).toThrow(
    `choosePreset: must be one of smoke, laptop, full, got "fast". Write choosePreset('laptop').`,
  );
  vi.stubEnv('BITNET_PRESET', 'quick');
  expect(() => choosePreset()).toThrow('got "quick" in BITNET_PRESET.');
});
