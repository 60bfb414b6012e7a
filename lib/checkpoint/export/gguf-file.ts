/** An export as a GGUF file: what ggml's engines read of the config, and the tensors by ggml's names. */
import { basename, resolve } from 'node:path';
import type { ModelConfig } from '../../config.js';
import type { TensorEntry } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import type { HalfDtype } from '../dtypes.js';
import type { GgmlEncoding } from '../gguf/ggml-types.js';
import { ggmlName } from '../gguf/names.js';
import { ggufTokenizerPairs } from '../gguf/tokenizer-metadata.js';
import { writeGguf, type GgufPair, type GgufTensorToWrite } from '../gguf/write.js';
import { checkScale } from '../open-tensors.js';
import { packTernary } from '../packing.js';
import { convert, embeddingDtype } from './embedding.js';
import type { ExportPlan } from './export-plan.js';

/** ggml's numbers for what most of a file holds. */
const GGUF_FILE_TYPES = { i2_s: 40, tq2_0: 37 } as const;
/** bitnet.cpp and llama.cpp know the same network by different names. */
const GGUF_ARCHITECTURE = { i2_s: 'bitnet-b1.58', tq2_0: 'bitnet' } as const;
/** The largest number of F16. */
const F16_MAX = 65_504;

/** Writes the planned model. */
export async function writeGgufFile(
  plan: ExportPlan,
  format: 'i2_s' | 'tq2_0',
  output: string,
): Promise<void> {
  const { config, tokenizerSource, source } = plan.checkpoint;
  const metadata = [
    ...modelPairs(config, format, basename(resolve(source))),
    ...ggufTokenizerPairs(tokenizerSource, config),
  ];
  const tensors: GgufTensorToWrite[] = [];
  for (const entry of inReadingOrder(plan)) tensors.push(await ggufTensor(plan, entry));
  await writeGguf(output, metadata, tensors);
}

/** Embedding and last norm, then layer by layer, norms first: as converters of ggml's family order them. */
function inReadingOrder({ others, matrices }: ExportPlan): TensorEntry[] {
  const layer = ({ name }: TensorEntry): number => Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
  return [...others, ...matrices].sort((a, b) => layer(a) - layer(b));
}

function modelPairs(config: ModelConfig, format: 'i2_s' | 'tq2_0', name: string): GgufPair[] {
  const architecture = GGUF_ARCHITECTURE[format];
  const size = (key: string, value: number): GgufPair => [`${architecture}.${key}`, 'UINT32', value];
  const { head_dim: headDim } = config;
  const pairs: GgufPair[] = [
    ['general.architecture', 'STRING', architecture],
    ['general.name', 'STRING', name],
    size('vocab_size', config.vocab_size),
    size('context_length', config.max_position_embeddings),
    size('embedding_length', config.hidden_size),
    size('block_count', config.num_hidden_layers),
    size('feed_forward_length', config.intermediate_size),
    size('rope.dimension_count', headDim),
    size('attention.head_count', config.num_attention_heads),
    size('attention.head_count_kv', config.num_key_value_heads),
    [`${architecture}.attention.layer_norm_rms_epsilon`, 'FLOAT32', config.rms_norm_eps],
    [`${architecture}.rope.freq_base`, 'FLOAT32', config.rope_theta],
    ['general.file_type', 'UINT32', GGUF_FILE_TYPES[format]],
    ['general.quantization_version', 'UINT32', 2],
  ];
  if (headDim * config.num_attention_heads !== config.hidden_size) {
    pairs.push(size('attention.key_length', headDim), size('attention.value_length', headDim));
  }
  // bitnet.cpp knows its own architecture's; `bitnet` stands for models of both kinds.
  if (format === 'tq2_0' || config.hidden_act !== 'relu2') {
    pairs.push([`${architecture}.hidden_activation`, 'STRING', config.hidden_act]);
  }
  return pairs;
}

async function ggufTensor(plan: ExportPlan, entry: TensorEntry): Promise<GgufTensorToWrite> {
  const { shape } = entry;
  const name = ggmlName(entry.name)!;
  const { encoding } = plan;
  if (plan.matrices.includes(entry)) {
    if (encoding === 'TQ2_0') await requireF16Scale(plan, entry);
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      yield packTernary(encoding, await plan.matrix(entry));
    };
    return { name, encoding: encoding as GgmlEncoding, shape, bytes };
  }
  const from = entry.encoding as 'F32' | HalfDtype;
  const to = shape.length === 1 ? 'F32' : await embeddingDtype(plan, entry);
  const bytes = (): AsyncIterable<Uint8Array> => plan.pieces(entry, (piece) => convert(piece, from, to));
  return { name, encoding: to, shape, bytes };
}

/** Refuses a scale that F16 cannot hold to the precision of its normal numbers. */
async function requireF16Scale(plan: ExportPlan, entry: TensorEntry): Promise<void> {
  const scale = checkScale(await plan.scale(entry), entry.file, entry.name);
  if (scale >= 2 ** -14 && scale <= F16_MAX) return;
  throw new CheckpointError({
    operation: 'export checkpoint',
    file: entry.file,
    tensor: entry.name,
    what: 'scale',
    expected: `from 2^-14 to ${F16_MAX} for TQ2_0, which stores it as F16`,
    found: `${scale}`,
    hint: 'The formats i2_s and packed can hold it.',
  });
}
