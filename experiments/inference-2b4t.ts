/** What `npm run bench -- inference` recorded at the shape of BitNet b1.58 2B4T: what notebook 4 opens with. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

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
export interface InferenceRecord {
  /** The command that makes this file. */
  command: string;
  machine: string;
  /** Reading the checkpoint's file once, from the page cache. */
  readSeconds: number;
  measurements: InferenceMeasurement[];
}

const folder = fileURLToPath(new URL('.', import.meta.url)).replace(/dist[\\/]$/, '');

/** Where the record is committed. */
export const INFERENCE_RESULTS: string = `${folder}results/inference-2b4t.json`;

/** The committed record. */
export async function readInferenceRecord(): Promise<InferenceRecord> {
  const text = await readFile(INFERENCE_RESULTS, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `read results: ${INFERENCE_RESULTS} must be there (${error.code}). Make it: npm run bench -- inference --record`,
      { cause: error },
    );
  });
  return JSON.parse(text) as InferenceRecord;
}
