import { describe, expect, it } from 'vitest';
import { BITNET_B158, FULL_PRECISION } from '../lib/ablation-options.js';
import { ablationOptions, parseModelConfig } from '../lib/config.js';
import { ConfigError } from '../lib/io/config-error.js';

const SMALL = {
  vocab_size: 65,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 4,
};

describe('parseModelConfig', () => {
  it('fills in what transformers fills in', () => {
    const config = parseModelConfig(SMALL);
    expect(config).toMatchObject({
      num_key_value_heads: 4,
      head_dim: 32,
      hidden_act: 'relu2',
      max_position_embeddings: 2048,
      rope_theta: 500_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: false,
      bos_token_id: null,
    });
    expect(config.quantization_config).toBeUndefined();
  });

  it.each([
    [{ hidden_size: 0 }, /hidden_size must be a whole number from 1/],
    [{ hidden_size: '128' }, /hidden_size .* got "128"/],
    [{ num_hidden_layers: 1e12 }, /num_hidden_layers/],
    [{ num_attention_heads: 3 }, /head_dim/],
    [{ num_attention_heads: 4, num_key_value_heads: 3 }, /multiple of num_key_value_heads, got 4 and 3/],
    [{ head_dim: 31 }, /head_dim must be even.*31/],
    [{ hidden_act: 'tanh' }, /hidden_act must be one of relu2, silu, gelu, got "tanh"/],
    [
      { hidden_act: 'gelu' },
      /hidden_act must be gelu in the body of bitnet-b1 and nowhere else, got gelu in that of/,
    ],
    [{ bitlm: { body: 'bitnet-b1' } }, /hidden_act must be gelu .*, got relu2 in that body/],
    [
      { hidden_act: 'gelu', bitlm: { body: 'bitnet-b1', norm_placement: 'bmt' } },
      /subln or preln .* got bmt/,
    ],
    [
      { bitlm: { weight_group_size: 48 } },
      /weight_group_size must divide every longer row .* got 48 for \d+ inputs/,
    ],
    [
      { bitlm: { weight_groups: 2, weight_group_size: 8 } },
      /weight_group_size must be left out beside weight_groups/,
    ],
    [
      { bitlm: { weight_quantizer: 'absmedian-ternary', weight_group_size: 8 } },
      /weight_group_size must be left out beside absmedian-ternary, got 8/,
    ],
    [{ bitlm: { weight_groups: 1 } }, /bitlm.weight_groups must be a whole number from 2, got 1/],
    [
      { bitlm: { weight_groups: 3 } },
      /weight_groups must divide the rows of every quantized matrix, got 3 for \d+ rows/,
    ],
    [{ rope_theta: Number.NaN }, /rope_theta/],
    [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings must be true or false/],
    [{ bos_token_id: 65 }, /bos_token_id must be below vocab_size 65, got 65/],
    [{ quantization_config: { quant_method: 'gptq' } }, /quant_method must be one of bitnet, got "gptq"/],
    [{ bitlm: { weight_quantizer: 'int3' } }, /bitlm.weight_quantizer must be one of .*absmean-ternary/],
    [
      { bitlm: { activation_quantizer: 'elastic-int8', down_activation_quantizer: 'absmax-int8-token' } },
      /down_activation_quantizer must be left out beside elastic-int8/,
    ],
    [
      { bitlm: { activation_quantizer: 'elastic-int8', output_activation_quantizer: 'none' } },
      /output_activation_quantizer must be left out beside elastic-int8/,
    ],
    [{ bitlm: { wheels: 4 } }, /unknown option bitlm.wheels/],
    [{ bitlm: [] }, /bitlm must be an object of model options, got \[\]/],
    [{ bitlm: 'constructor' }, /bitlm must be an object of model options/],
    [{ bitlm: { constructor: 'none' } }, /unknown option bitlm.constructor/],
    [{ bitlm: { toString: 'none' } }, /unknown option bitlm.toString/],
  ])('refuses %j and names the key', (change, message) => {
    const parse = (): unknown => parseModelConfig({ ...SMALL, ...change }, 'the file');
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(message);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])(
    'takes %s, which every object has, for no option and for no choice',
    (name) => {
      const parse = (bitlm: string): unknown =>
        parseModelConfig({ ...SMALL, bitlm: JSON.parse(bitlm) as unknown });
      for (const value of ['"none"', 'null', '{}', '"toString"']) {
        expect(() => parse(`{"${name}": ${value}}`)).toThrow(`unknown option bitlm.${name}`);
      }
      for (const key of ['weight_quantizer', 'norm_placement', 'straight_through', 'activation_quantizer']) {
        expect(() => parse(`{"${key}": "${name}"}`)).toThrow(`bitlm.${key} must be one of`);
      }
    },
  );

  it.each([[null], [[]], ['{}'], [undefined]])('refuses %j, which is no object', (json) => {
    expect(() => parseModelConfig(json)).toThrow(ConfigError);
  });
});

describe('ablationOptions', () => {
  it('takes the options of the config, else b1.58 for a quantized one, else full precision', () => {
    const quantization_config = { quant_method: 'bitnet', quantization_mode: 'online' };
    expect(ablationOptions(parseModelConfig(SMALL))).toEqual(FULL_PRECISION);
    expect(ablationOptions(parseModelConfig({ ...SMALL, quantization_config }))).toEqual(BITNET_B158);
    const sign = parseModelConfig({ ...SMALL, quantization_config, bitlm: { weight_quantizer: 'sign' } });
    expect(ablationOptions(sign)).toEqual({ ...BITNET_B158, weight_quantizer: 'sign' });
  });
});
