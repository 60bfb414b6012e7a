import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { BITNET_B158, FULL_PRECISION, type AblationOptions } from '../../lib/ablation-options.js';
import { toText } from '../../lib/plots/draw/written-table.js';
import { logAsTable, modelTable, print } from '../../lib/plots/model-table.js';
import { configurationA } from '../../experiments/sweep/configurations.js';

const config = configurationA(true);
const row = (options: Partial<AblationOptions>, part: string): string =>
  toText(modelTable({ config: { ...config, bitlm: { ...BITNET_B158, ...options } } }))
    .split('\n')
    .find((line) => line.startsWith(part))!
    .replaceAll(/ {2,}/g, ' | ');

describe('modelTable', () => {
  it('has a row for each kind of tensor, whose parameters add up to the title', () => {
    const { title, columns } = modelTable({ config });
    const [, , count, parameters] = columns;
    const total = parameters.texts.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0);
    expect(title).toContain(`${total.toLocaleString('en')} parameters in ${config.num_hidden_layers} layers`);
    expect(new Set(count.texts)).toEqual(new Set(['1', String(config.num_hidden_layers)]));
  });

  it.each([
    [{}, 'self_attn.q_proj', '128 × 128 | 4 | 65,536 | −1, 0, +1 | 1.58 | int8 by token'],
    [{}, 'input_layernorm', '128 | 4 | 512 | float | 32'],
    [FULL_PRECISION, 'mlp.up_proj', '352 × 128 | 4 | 180,224 | float | 32 | float'],
    [{ down_activation_quantizer: 'none' as const }, 'mlp.down_proj', '−1, 0, +1 | 1.58 | float'],
    [
      { weight_quantizer: 'none' as const, own_weight_quantizer: 'five levels 0123456789abcdef' },
      'self_attn.k_proj',
      'own: five levels',
    ],
  ])('tells shapes and bits of %o', (options, part, says) => {
    expect(row(options, part)).toContain(says);
  });
});

describe('logAsTable', () => {
  it('lets a logged model be its table', () => {
    class Model {
      readonly config = config;
    }
    logAsTable(Model);
    expect(inspect(new Model())).toBe(toText(modelTable({ config })));
  });
});

describe('print', () => {
  it('prints the table outside of a notebook', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    print({ config });
    expect(log.mock.calls.flat().join('\n')).toContain('self_attn.q_proj');
    log.mockRestore();
  });

  it('says what it prints, given something else', () => {
    expect(() => print(3 as never)).toThrow('print: it must get a model, got 3.');
    expect(() => print(undefined as never)).toThrow('must get a model');
  });
});
