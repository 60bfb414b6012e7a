import { beforeAll, describe, expect, it } from 'vitest';
import { KERNEL_NAMES } from '../../../lib/kernel/kernel.js';
import { compileKernel } from '../../kernel/compiled.js';
import { differences, goldenModel, MANIFEST, reference, STRICT } from '../golden-model.js';

beforeAll(compileKernel);

describe('trace', () => {
  it('gives the layers of transformers on the strict prompts', async () => {
    const strict = await reference('strict_packed_fp32');
    const model = await goldenModel('packed', { threads: 2 });
    for (const [i, { ids }] of STRICT.strict_prompts.entries()) {
      const { activations } = await model.trace(ids);
      for (const [name, site] of [
        ['embed', 'embed_tokens'],
        ['layer0', 'layers.0.output'],
        ['layer1', 'layers.1.output'],
        ['layer2', 'layers.2.output'],
        ['final_norm', 'norm'],
      ]) {
        const { largest } = differences(activations.get(site)!.values, strict(`s${i}.${name}`));
        expect(largest, `prompt ${i}, ${site}`).toBeLessThanOrEqual(name === 'embed' ? 0 : 1e-4);
      }
    }
  });

  it('gives every module of layer 0, in every kernel', async () => {
    const inside = await reference('packed_fp32_layer0_p0');
    const { ids } = MANIFEST.prompts[0];
    for (const kernel of KERNEL_NAMES) {
      const { activations } = await (await goldenModel('packed', { kernel })).trace(ids, { layers: [0] });
      for (const [name, site] of [
        ['input_layernorm', 'input_layernorm'],
        ['q_proj', 'self_attn.q_proj'],
        ['k_proj', 'self_attn.k_proj'],
        ['v_proj', 'self_attn.v_proj'],
        ['attn_sub_norm.in', 'self_attn.attended'],
        ['attn_sub_norm', 'self_attn.attn_sub_norm'],
        ['o_proj', 'self_attn.o_proj'],
        ['post_attention_layernorm', 'post_attention_layernorm'],
        ['gate_proj', 'mlp.gate_proj'],
        ['up_proj', 'mlp.up_proj'],
        ['ffn_sub_norm.in', 'mlp.gated'],
        ['ffn_sub_norm', 'mlp.ffn_sub_norm'],
        ['down_proj', 'mlp.down_proj'],
      ]) {
        const { values, tokens, features } = activations.get(`layers.0.${site}`)!;
        expect(tokens).toBe(ids.length);
        expect(values.length).toBe(tokens * features);
        expect(differences(values, inside(`l0.${name}`)).largest, `${site}, ${kernel}`).toBeLessThanOrEqual(
          1e-4,
        );
      }
      expect([...activations.keys()].some((site) => site.startsWith('layers.1.'))).toBe(false);
    }
  });

  it('gives the integers of BitLinear exactly, in every kernel', async () => {
    const bitlinear = await reference('bitlinear_packed_fp32_p0');
    const { ids } = MANIFEST.prompts[0];
    for (const kernel of KERNEL_NAMES) {
      const traced = await (await goldenModel('packed', { kernel })).trace(ids, { layers: [0] });
      for (const [name, site] of [
        ['k_proj', 'layers.0.self_attn.k_proj'],
        ['down_proj', 'layers.0.mlp.down_proj'],
      ]) {
        const { values } = traced.quantizedInputs.get(site)!;
        expect([...values], `${site}, ${kernel}`).toEqual([...(bitlinear(`${name}.x_int8`) as Int8Array)]);
        expect([...traced.integerProducts.get(site)!.values]).toEqual([
          ...(bitlinear(`${name}.acc_int32`) as Int32Array),
        ]);
        const scales = traced.inputScales.get(site)!.values;
        expect(differences(scales, bitlinear(`${name}.x_scale`)).largest).toBeLessThan(1e-3);
        const output = traced.activations.get(site)!.values;
        expect(differences(output, bitlinear(`${name}.y`)).largest).toBeLessThanOrEqual(1e-5);
      }
    }
  });

  it('leaves the logits as they are, and follows texts longer than a batch', async () => {
    const model = await goldenModel('packed');
    const ids = MANIFEST.ppl_text.ids;
    const before = await model.logits(ids);
    const { activations, ids: traced } = await model.trace(ids, { layers: [2] });
    expect(traced).toEqual(ids);
    expect(await model.logits(ids)).toEqual(before);
    // Tied: the logits are the last norm times the embedding; one of them by hand, in the fifth batch.
    const { values, features } = activations.get('norm')!;
    const embedding = (await model.trace([17], { layers: [] })).activations.get('embed_tokens')!.values;
    const at = 140;
    let logit = 0;
    for (let c = 0; c < features; c++) logit += values[at * features + c] * embedding[c];
    expect(logit).toBeCloseTo(before[at * model.config.vocab_size + 17], 4);
  });

  it.each([[[3]], [[-1]], [[0.5]]])('refuses layers that are not there: %o', async (layers) => {
    const model = await goldenModel('packed');
    await expect(model.trace([1], { layers })).rejects.toThrow(
      'trace: layers must be whole numbers from 0 to 2',
    );
  });
});
