/** The shape of BitNet b1.58 2B4T, and what `npm run bench -- inference-2b4t` recorded at it: what notebook 4 opens with. */
import { readMeasured, type Measured } from '../record/measured.js';

/** The values in config.json of microsoft/bitnet-b1.58-2B-4T. */
export const PUBLISHED_CONFIG = {
  architectures: ['BitNetForCausalLM'],
  model_type: 'bitnet',
  vocab_size: 128_256,
  hidden_size: 2560,
  intermediate_size: 6912,
  num_hidden_layers: 30,
  num_attention_heads: 20,
  num_key_value_heads: 5,
  hidden_act: 'relu2',
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  tie_word_embeddings: true,
  bos_token_id: 128_000,
  eos_token_id: 128_001,
  torch_dtype: 'bfloat16',
  quantization_config: {
    quant_method: 'bitnet',
    linear_class: 'autobitlinear',
    quantization_mode: 'offline',
  },
} as const;

/** One part of the work for a token. */
export interface PartRecord {
  ms: number;
  bytesPerSecond: number;
}

/** What one process measured: each figure the best of some rounds. */
export interface InferenceMeasurement {
  threads: number;
  kernel: string;
  loadSeconds: number;
  /** Largest resident memory of the process. */
  peakBytes: number;
  bytes: { weights: number; embedding: number; kvCache: number; shortlist: number };
  /** Milliseconds a token: the most likely one, found through the int8 shortlist; and with all of its logits. */
  greedyMs: number;
  exactMs: number;
  prefillTokensPerSecond: number;
  /** Reading the same memory with the same threads and doing nothing else. */
  memoryBytesPerSecond: number;
  /** Weights and bf16 head once a token, at that speed. */
  limitTokensPerSecond: number;
  layers: PartRecord;
  head: PartRecord;
  shortlist: PartRecord;
}

/** experiments/results/inference-2b4t.json */
export interface InferenceRecord extends Measured<InferenceMeasurement> {
  /** Reading the checkpoint's file once, from the page cache. */
  readSeconds: number;
}

/** Names the bench and its file. */
export const INFERENCE = 'inference-2b4t';

/** The committed record. @throws Error that says which command makes it, where there is none */
export function readInferenceRecord(file?: string): Promise<InferenceRecord> {
  return readMeasured<InferenceMeasurement, InferenceRecord>(INFERENCE, file);
}
