/**
 * npm run bench -- inference: a model of the exact shape of BitNet b1.58 2B4T, random weights, on this machine: loading
 * against reading the file, peak memory, decoding and prefill on one and two threads, and every part against the speed
 * at which the same threads read memory in the same run. `-- --kernel simd` measures the other kernel. Every figure
 * comes from a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  loadModel,
  type GenerateOptions,
  type KernelChoice,
  type Model,
  type ModelBytes,
  type Speed,
} from '@bitnet-notebooks/lib';
import { syntheticCheckpoint } from './synthetic-checkpoint.js';

const FOLDER = fileURLToPath(new URL('../../../data/downloads/synthetic-2b4t', import.meta.url));
const THREADS = [1, 2];
const PROMPT_TOKENS = 128;
const WARM_UP_TOKENS = 8;
const TOKENS = 48;
const READ_CHUNK_BYTES = 8 * 2 ** 20;

/** What one process measured. */
interface Measurement {
  threads: number;
  kernel: string;
  loadSeconds: number;
  peakBytes: number;
  bytes: ModelBytes;
  /** Median milliseconds a token. */
  greedyMs: number;
  exactMs: number;
  prefillTokensPerSecond: number;
  speed: Speed;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Seconds to read the file once into memory of its own, as every loader has to. */
function readFileOnce(): number {
  const file = join(FOLDER, 'model.safetensors');
  const start = performance.now();
  const target = Buffer.allocUnsafeSlow(statSync(file).size);
  const descriptor = openSync(file, 'r');
  for (let at = 0; at < target.length;) {
    at += readSync(descriptor, target, at, Math.min(READ_CHUNK_BYTES, target.length - at), null);
  }
  closeSync(descriptor);
  return (performance.now() - start) / 1000;
}

/** Median milliseconds between tokens. `look` is what a caller does with a token. */
async function decodeMs(
  model: Model,
  prompt: number[],
  look: (token: { logProbability: number }) => void,
  options: GenerateOptions = {},
): Promise<number> {
  const times: number[] = [];
  let last = performance.now();
  let count = 0;
  const maxTokens = WARM_UP_TOKENS + TOKENS;
  for await (const token of model.generate(prompt, { maxTokens, stop: [], ...options })) {
    look(token);
    const now = performance.now();
    if (++count > WARM_UP_TOKENS) times.push(now - last);
    last = now;
  }
  return median(times);
}

async function measure(threads: number, kernel: KernelChoice): Promise<Measurement> {
  const start = performance.now();
  const model = await loadModel(FOLDER, { threads, kernel });
  const loadSeconds = (performance.now() - start) / 1000;
  const { vocab_size: vocab } = model.config;
  const prompt = (seed: number): number[] =>
    Array.from({ length: PROMPT_TOKENS }, (_, i) => (seed + i * 7919) % vocab);
  const prefill: number[] = [];
  for (let round = 0; round < 4; round++) {
    const begin = performance.now();
    for await (const _ of model.generate(prompt(round), { maxTokens: 1, stop: [] })) break;
    // The first one compiles.
    if (round > 0) prefill.push(PROMPT_TOKENS / ((performance.now() - begin) / 1000));
  }
  const greedyMs = await decodeMs(model, prompt(9).slice(0, 16), () => {});
  const exactMs = await decodeMs(model, prompt(9).slice(0, 16), (token) => token.logProbability);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const speed = await model.measureSpeed();
  const measured = {
    threads,
    kernel: model.kernel,
    loadSeconds,
    peakBytes,
    bytes: model.memory(),
    greedyMs,
    exactMs,
    prefillTokensPerSecond: median(prefill),
    speed,
  };
  await model.close();
  return measured;
}

function inProcess<T>(args: string[]): T {
  const script = fileURLToPath(import.meta.url);
  const { stdout, status } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`bench inference: a measuring process ended with ${status}.`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

const gb = (bytes: number): string => (bytes / 1e9).toFixed(2);

function print(readSeconds: number, measurements: Measurement[]): void {
  const { bytes } = measurements[0];
  const counted = bytes.weights + bytes.embedding + bytes.kvCache;
  const allowed = 1.15 * counted + 200e6;
  console.log(
    `weights ${gb(bytes.weights)} GB, embedding ${gb(bytes.embedding)} GB, KV cache ${gb(bytes.kvCache)} GB, ` +
      `int8 head ${gb(bytes.shortlist)} GB; reading the file takes ${readSeconds.toFixed(2)} s`,
  );
  for (const m of measurements) {
    const { speed } = m;
    const limit = speed.limitTokensPerSecond;
    const share = (rate: number): string =>
      `${rate.toFixed(1)} tokens/s (${(rate / limit).toFixed(2)} of it)`;
    const parts = [
      ['layers', speed.layers] as const,
      ['head, bf16', speed.head] as const,
      ['head, int8 shortlist', speed.shortlist] as const,
    ];
    console.log(`\n${m.threads} thread${m.threads === 1 ? '' : 's'}, kernel ${m.kernel}`);
    console.log(
      `  load       ${m.loadSeconds.toFixed(2)} s, ${(m.loadSeconds / readSeconds).toFixed(2)} times the reading`,
    );
    console.log(
      `  memory     ${gb(m.peakBytes)} GB at its peak; 1.15 × (weights + embedding + KV cache) + 200 MB = ${gb(allowed)} GB`,
    );
    console.log(
      `  limit      ${limit.toFixed(1)} tokens/s: weights and bf16 head at ${gb(speed.memoryBytesPerSecond)} GB/s, which plain reading reaches`,
    );
    console.log(
      `  decode     greedy ${share(1000 / m.greedyMs)}; with all logits ${share(1000 / m.exactMs)}`,
    );
    console.log(`  prefill    ${m.prefillTokensPerSecond.toFixed(1)} tokens/s`);
    for (const [name, part] of parts) {
      if (part === undefined) continue;
      console.log(
        `  ${name.padEnd(20)} ${part.ms.toFixed(1).padStart(6)} ms  ${gb(part.bytesPerSecond).padStart(5)} GB/s  ` +
          `${part.shareOfMemorySpeed.toFixed(2)} of memory speed`,
      );
    }
  }
}

/** Builds the checkpoint at the first time, measures, and prints. */
export async function benchInference(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { kernel: { type: 'string', default: 'auto' } } });
  console.log(
    '2B4T shape, random weights; the checkpoint (1.18 GB) is made once in data/downloads/synthetic-2b4t',
  );
  await syntheticCheckpoint(FOLDER);
  inProcess<number>(['read']); // into the page cache, so that all that follows starts alike
  const reads: number[] = [];
  const measurements = THREADS.map((threads) => {
    reads.push(inProcess<number>(['read']));
    return inProcess<Measurement>(['measure', String(threads), values.kernel]);
  });
  reads.push(inProcess<number>(['read']));
  print(median(reads), measurements);
}

const [, script, task, threads, kernel] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const result = task === 'read' ? readFileOnce() : await measure(Number(threads), kernel as KernelChoice);
  console.log(JSON.stringify(result));
}
