import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportCheckpoint } from '../../../lib/checkpoint/export/export.js';
import { saveModelFolder } from '../../../lib/checkpoint/model-folder.js';
import { openCheckpoint } from '../../../lib/checkpoint/open-checkpoint.js';
import { Tokenizer } from '../../../lib/tokenizer/tokenizer.js';
import { goldenContainer } from '../../golden/containers.js';
import { llamaCppRefusal } from '../gguf/llama-cpp-rules.js';
import { scratchFolder, smallConfig, smallTensors } from '../small-model.js';

const scratch = scratchFolder();
/** Rows of 256 weights, as TQ2_0 wants them, and heads as wide as the model. */
const FITTING = {
  hidden_size: 256,
  intermediate_size: 512,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  tie_word_embeddings: true,
};

async function exported(name: string, folder: string): Promise<{ file: string; notes: string[] }> {
  const file = join(scratch, `${name}.gguf`);
  const { notes } = await exportCheckpoint(folder, { format: 'tq2_0', output: file });
  return { file, notes };
}

async function saved(
  name: string,
  changes: Record<string, unknown>,
  tokenizerJson?: Record<string, unknown>,
): Promise<string> {
  const config = smallConfig({ ...FITTING, ...changes });
  const folder = join(scratch, name);
  await saveModelFolder(folder, { config, tensors: smallTensors(config), tokenizerJson });
  return folder;
}

describe('llama.cpp’s reader', () => {
  it('takes the file that llama.cpp’s own converter wrote, and refuses it spoilt', () => {
    const golden = readFileSync(goldenContainer('tq2_0'));
    expect(llamaCppRefusal(golden)).toBeUndefined();
    const spoilt = Buffer.from(
      golden.toString('latin1').replace('tokenizer.ggml.merges', 'tokenizer.ggml.mergeX'),
      'latin1',
    );
    expect(llamaCppRefusal(spoilt)).toBe('cannot find tokenizer merges in model file');
    expect(llamaCppRefusal(golden.subarray(0, golden.length - 4096))).toMatch('within the file bounds');
  });

  it('takes an export with the tokenizer of its folder', async () => {
    const { file } = await exported('golden', goldenContainer('master-bf16'));
    expect(llamaCppRefusal(readFileSync(file))).toBeUndefined();
  });

  it('takes an export without a tokenizer', async () => {
    const folder = join(scratch, 'bare');
    cpSync(goldenContainer('master-bf16'), folder, { recursive: true });
    rmSync(join(folder, 'tokenizer.json'));
    const { file } = await exported('bare', folder);
    expect(llamaCppRefusal(readFileSync(file))).toBeUndefined();
    const checkpoint = await openCheckpoint(file);
    expect(checkpoint.tokenizerSource).toEqual({ kind: 'none' });
    await checkpoint.close();
  });

  it('takes an export whose tokenizer ggml cannot tell', async () => {
    const tokenizer = {
      model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' },
      decoder: { type: 'Fuse' },
    };
    const { file } = await exported('words', await saved('words', {}, tokenizer));
    expect(llamaCppRefusal(readFileSync(file))).toBeUndefined();
  });

  it('refuses what the export warns of', async () => {
    const { file, notes } = await exported('untied', await saved('untied', { tie_word_embeddings: false }));
    expect(llamaCppRefusal(readFileSync(file))).toMatch('wrong number of tensors');
    expect(notes).toEqual([
      'llama.cpp computes such files with silu; this model has relu2, and would write nonsense there.',
      'llama.cpp refuses such files with an output matrix of their own.',
    ]);
    const tied = await exported('silu', await saved('silu', { hidden_act: 'silu' }));
    expect(tied.notes).toEqual([]);
  });
});

describe('a GGUF file’s tokenizer', () => {
  const text = 'One 12345 two; naïve.';

  it.each<[string, object]>([
    [
      'cuts in another way',
      {
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [
            { type: 'Digits', individual_digits: true },
            { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
          ],
        },
      },
    ],
    ['normalizes', { normalizer: { type: 'NFD' } }],
  ])('gives the ids of its folder when it %s', async (_what, parts) => {
    const golden = JSON.parse(
      readFileSync(join(goldenContainer('packed'), 'tokenizer.json'), 'utf8'),
    ) as Record<string, unknown>;
    const tokenizer = { ...golden, ...parts };
    const { file } = await exported(
      _what.replaceAll(' ', '-'),
      await saved(_what, { vocab_size: 600 }, tokenizer),
    );
    const checkpoint = await openCheckpoint(file);
    await checkpoint.close();
    const expected = new Tokenizer({ kind: 'huggingface', tokenizer, config: {} }).encode(text);
    expect(new Tokenizer(checkpoint.tokenizerSource).encode(text)).toEqual(expected);
  });
});
