import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../lib/checkpoint/checkpoint-error.js';
import { roundToHalf } from '../../../lib/checkpoint/dtypes.js';
import { readStoredModel } from '../../../lib/checkpoint/stored/read-stored.js';
import {
  storedWeights,
  writeStoredModel,
  type MatrixStorage,
  type StoredModel,
} from '../../../lib/checkpoint/stored/stored-model.js';
import { BITNET_B158, FULL_PRECISION } from '../../../lib/ablation-options.js';
import { parseModelConfig } from '../../../lib/config.js';
import { parameterSpecs } from '../../../lib/parameters.js';
import { codesOnGrid, trainedCodes, weightsOfCodes } from '../../../lib/quantizers/level-codes.js';
import { levelGrid, type LevelBits } from '../../../lib/quantizers/level-grid.js';
import { dequantizeWeights, quantizeWeights } from '../../../lib/quantizers/weights.js';
import { countValues } from '../../../lib/shape.js';
import { normalStream, normalValues } from '../../normal-values.js';
import { temporaryFolder } from '../../temporary-folder.js';

// Sizes that fill no byte and no group.
const config = parseModelConfig({
  vocab_size: 11,
  hidden_size: 6,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 1,
  tie_word_embeddings: true,
  bitlm: { ...FULL_PRECISION },
});
const specs = parameterSpecs(config);
const random = normalStream(3);
const values = new Map(specs.map(({ name, shape }) => [name, normalValues(countValues(shape), random)]));

function rounded(storage: MatrixStorage, bits?: LevelBits): StoredModel {
  const coded = specs.filter(({ quantized }) => quantized && storage.form !== 'half');
  const matrices = new Map(
    coded.map(({ name, shape }) => {
      const granularity = storage.form === 'half' ? 'tensor' : storage.granularity;
      const weights = values.get(name)!;
      const grid = levelGrid(weights, shape[0], { bits: bits!, reach: 'absmean', granularity });
      return [name, codesOnGrid(weights, grid)];
    }),
  );
  const tensors = new Map([...values].filter(([name]) => !matrices.has(name)));
  return { config, storage, matrices, tensors };
}

const MODELS: readonly StoredModel[] = [
  rounded({ form: 'half' }),
  ...([8, 6, 4, 3, 2, 1] as const).map((bits) => {
    const levels = { 8: 255, 6: 63, 4: 15, 3: 7, 2: 4, 1: 2 }[bits];
    return rounded({ form: 'bits', levels, granularity: 4 }, bits);
  }),
  ...(['bits', 'trits', 'entropy'] as const).map((form) =>
    rounded({ form, levels: 3, granularity: 'tensor' }, 1.58),
  ),
  rounded({ form: 'bits', levels: 15, granularity: 'channel' }, 4),
];

const nameOf = ({ storage }: StoredModel): string => Object.values(storage).join(' ');

describe('a stored model', () => {
  it.each(MODELS.map((model) => [nameOf(model), model] as const))(
    'is read back as it was written, in the bytes that it was said to take: %s',
    async (_, model) => {
      const path = join(await temporaryFolder(), 'model');
      const size = await writeStoredModel(path, model);
      const found = await readStoredModel(path);
      expect(size.bytes).toBe((await stat(path)).size);
      expect(found).toMatchObject({ ...size, config, storage: model.storage });
      for (const [name, matrix] of model.matrices) {
        const { codes, steps } = found.matrices.get(name)!;
        expect(codes).toEqual(matrix.codes);
        expect(steps).toEqual(roundToHalf(matrix.steps));
      }
      for (const [name, data] of model.tensors) expect(found.tensors.get(name)).toEqual(roundToHalf(data));
      expect([...storedWeights(found).keys()].sort()).toEqual(specs.map(({ name }) => name).sort());
    },
  );

  it('leaves nothing out: 16 bits for all but the matrices, their bits and their steps', async () => {
    const path = join(await temporaryFolder(), 'model');
    const { tensorBytes } = await writeStoredModel(path, MODELS[3]); // four bits, groups of four
    const bytes = specs.reduce((sum, { shape, quantized }) => {
      const count = countValues(shape);
      const steps = 2 * shape[0] * Math.ceil((shape[1] ?? 0) / 4);
      return sum + (quantized ? count / 2 + steps : 2 * count);
    }, 0);
    expect(tensorBytes).toBe(bytes);
  });

  it('is refused by name of the file where a byte is damaged, or read with every tensor whole', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'model');
    const damaged = join(folder, 'damaged');
    for (const model of [MODELS[0], MODELS[4], MODELS[8], MODELS[9]]) {
      await writeStoredModel(path, model);
      const bytes = await readFile(path);
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const other = Buffer.from(bytes);
          other[at] ^= change;
          await writeFile(damaged, other);
          // Weights of the shapes that its config says, or the refusal.
          const found = await readStoredModel(damaged).then(wholeTensors, (error: unknown) => error);
          expect(
            found === true || (found instanceof CheckpointError && found.message.includes(damaged)),
          ).toBe(true);
        }),
        { numRuns: 60 },
      );
      for (const length of [0, 7, 12, bytes.length - 1]) {
        await writeFile(damaged, bytes.subarray(0, length));
        await expect(readStoredModel(damaged)).rejects.toThrow(damaged);
      }
    }
  });

  it('takes no memory for what a header only promises', async () => {
    const path = join(await temporaryFolder(), 'model');
    const promise = (change: object, storage: object): Buffer => {
      const header = Buffer.from(JSON.stringify({ config: { ...config, ...change }, storage }));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(header.length);
      return Buffer.concat([Buffer.from('BITSTORE'), length, header, Buffer.alloc(64)]);
    };
    const entropy = { form: 'entropy', levels: 3, granularity: 'tensor' };
    await writeFile(path, promise({ vocab_size: 2 ** 20 }, { form: 'half' }));
    await expect(readStoredModel(path)).rejects.toThrow('bytes long by its header');
    await writeFile(path, promise({ num_hidden_layers: 2 ** 24 }, entropy));
    await expect(readStoredModel(path)).rejects.toThrow('layers must be fewer than the file has bytes');
    const wide = { intermediate_size: 2 ** 24, bitlm: { ...FULL_PRECISION, norm_placement: 'none' } };
    await writeFile(path, promise(wide, entropy));
    await expect(readStoredModel(path)).rejects.toThrow('weights in all must be at most');
    await writeFile(path, promise({}, { form: 'trits', levels: 4, granularity: 'tensor' }));
    await expect(readStoredModel(path)).rejects.toThrow('storage must be half, or bits');
  });

  it('refuses codes that are not of its storage', async () => {
    const path = join(await temporaryFolder(), 'model');
    const model = { ...MODELS[7], storage: { form: 'bits', levels: 4, granularity: 'tensor' } as const };
    await expect(writeStoredModel(path, model)).rejects.toThrow('must have codes of 4 levels');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});

/** Whether a model has every tensor of its config, whole. */
function wholeTensors(model: StoredModel): boolean {
  const weights = storedWeights(model);
  return parameterSpecs(model.config).every(
    ({ name, shape }) => weights.get(name)?.length === countValues(shape),
  );
}

describe('trainedCodes', () => {
  const weights = normalValues(6 * 8, normalStream(9));

  it('stand for what the quantizers of trained models multiply by, bit for bit', () => {
    for (const quantizer of [
      'sign',
      'absmean-ternary',
      'absmax-3bit',
      'absmax-4bit',
      'absmax-8bit',
    ] as const) {
      const codes = trainedCodes(weights, 6, { weight_quantizer: quantizer });
      expect(weightsOfCodes(codes)).toEqual(dequantizeWeights(quantizeWeights(quantizer, weights)));
    }
  });

  it('have a scale for each group', () => {
    const codes = trainedCodes(weights, 6, { weight_quantizer: 'absmax-4bit', weight_group_size: 4 });
    const parts = Array.from({ length: 12 }, (_, group) =>
      dequantizeWeights(quantizeWeights('absmax-4bit', weights.subarray(group * 4, group * 4 + 4))),
    );
    expect([...weightsOfCodes(codes)]).toEqual(parts.flatMap((part) => [...part]));
  });

  it('refuse levels that do not lie around zero, and groups of rows', () => {
    expect(() => trainedCodes(weights, 6, { weight_quantizer: 'zero-one' })).toThrow('got zero-one');
    expect(() => trainedCodes(weights, 6, { ...BITNET_B158, weight_groups: 2 })).toThrow('2 groups of rows');
  });
});
