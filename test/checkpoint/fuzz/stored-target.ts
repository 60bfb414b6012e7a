/** Fuzzing of models in few bits: the header's JSON, its length, and every byte behind it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStoredModel } from '../../../lib/checkpoint/stored/read-stored.js';
import {
  storedWeights,
  writeStoredModel,
  type CodeForm,
  type StoredModel,
} from '../../../lib/checkpoint/stored/stored-model.js';
import { FULL_PRECISION } from '../../../lib/ablation-options.js';
import { parseModelConfig } from '../../../lib/config.js';
import { parameterSpecs } from '../../../lib/parameters.js';
import { codesOnGrid } from '../../../lib/quantizers/level-codes.js';
import { levelGrid } from '../../../lib/quantizers/level-grid.js';
import { countValues } from '../../../lib/shape.js';
import { normalStream, normalValues } from '../../normal-values.js';
import { damageBytes, damageJson, type Mutated } from './mutations.js';
import type { Random } from './random.js';
import { require, type FuzzTarget } from './target.js';

/** Magic, and the length of the header. */
const HEADER_AT = 12;

/** Small models in every form of codes, one of which is damaged at a time. */
export async function storedTarget(folder: string): Promise<FuzzTarget> {
  const path = join(folder, 'model');
  const originals: Buffer[] = [];
  for (const form of ['bits', 'trits', 'entropy'] as const) {
    await writeStoredModel(path, ternaryModel(form));
    originals.push(readFileSync(path));
  }
  return {
    damage(random) {
      const original = random.pick(originals);
      const start = HEADER_AT + original.readUInt32LE(HEADER_AT - 4);
      const mutated =
        random.next() < 0.5 ? damageHeader(original, start, random) : damageBytes(original, start, random);
      writeFileSync(path, mutated.bytes);
      return mutated;
    },
    async read({ bytes }) {
      const found = await readStoredModel(path);
      const weights = storedWeights(found);
      for (const { name, shape } of parameterSpecs(found.config)) {
        require(weights.get(name)?.length ===
          countValues(shape), 'every tensor of the config is there, whole');
      }
      for (const { codes, levels } of found.matrices.values())
        require(codes.every((code) => code < levels), 'codes are below their levels');
      require(found.bytes === bytes.length, 'the tensors fill the file');
    },
  };
}

function damageHeader(original: Buffer, start: number, random: Random): Mutated {
  const { text, what } = damageJson(original.toString('utf8', HEADER_AT, start), random);
  const json = Buffer.from(text);
  const length = Buffer.alloc(4);
  const isRight = random.next() < 0.9;
  length.writeUInt32LE(
    isRight ? json.length : random.pick([0, 1, original.length, 2 ** 16 + 1, 2 ** 32 - 1]),
  );
  const bytes = Buffer.concat([original.subarray(0, HEADER_AT - 4), length, json, original.subarray(start)]);
  return { bytes, what: `${what}${isRight ? '' : ', wrong length'}`, payloadOnly: false };
}

function ternaryModel(form: CodeForm): StoredModel {
  const config = parseModelConfig({
    vocab_size: 11,
    hidden_size: 6,
    intermediate_size: 10,
    num_hidden_layers: 2,
    num_attention_heads: 1,
    tie_word_embeddings: true,
    bitlm: { ...FULL_PRECISION },
  });
  const random = normalStream(3);
  const values = parameterSpecs(config).map((spec) => ({
    ...spec,
    data: normalValues(countValues(spec.shape), random),
  }));
  const matrices = new Map(
    values.flatMap(({ name, shape, data, quantized }) => {
      const kind = { bits: 1.58, reach: 'absmean', granularity: 'channel' } as const;
      return quantized ? [[name, codesOnGrid(data, levelGrid(data, shape[0], kind))] as const] : [];
    }),
  );
  const tensors = new Map(
    values.flatMap(({ name, data, quantized }) => (quantized ? [] : [[name, data] as const])),
  );
  return { config, storage: { form, levels: 3, granularity: 'channel' }, matrices, tensors };
}
