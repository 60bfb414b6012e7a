/**
 * npm run bench -- inference-2b4t: a model of the exact shape of BitNet b1.58 2B4T, random weights, on this machine: loading
 * against reading the file, peak memory, decoding and prefill on one and two threads, and every part against the speed
 * at which the same threads read memory in the same run. `-- --kernel simd` measures the other kernel, `--record` keeps
 * the figures for notebook 4 and the README. Every number of threads gets a process of its own, and every figure is the
 * best of some rounds, the memory's too: other programs can only slow a machine down.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  loadModel,
  median,
  type KernelChoice,
  type Model,
  type PartSpeed,
  type Speed,
} from '@bitnet-notebooks/lib';
import { measuredApart, measuredHere, writeMeasured } from '../record/measured.js';
import { INFERENCE, type InferenceMeasurement, type InferenceRecord } from './results.js';
import { syntheticCheckpoint } from './synthetic-checkpoint.js';

const FOLDER = fileURLToPath(new URL('../../../data/downloads/synthetic-2b4t', import.meta.url));
const SCRIPT = fileURLToPath(import.meta.url);
const THREADS = [1, 2];
const PROMPT_TOKENS = 64;
const WARM_UP_TOKENS = 4;
const TOKENS = 14;
const ROUNDS = 3;
const READ_CHUNK_BYTES = 8 * 2 ** 20;

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
): Promise<number> {
  const times: number[] = [];
  let last = performance.now();
  let count = 0;
  const maxTokens = WARM_UP_TOKENS + TOKENS;
  for await (const token of model.generate(prompt, { maxTokens, stop: [] })) {
    look(token);
    const now = performance.now();
    if (++count > WARM_UP_TOKENS) times.push(now - last);
    last = now;
  }
  return median(times);
}

async function prefillRate(model: Model, prompt: number[]): Promise<number> {
  const begin = performance.now();
  for await (const _ of model.generate(prompt, { maxTokens: 1, stop: [] })) break;
  return (prompt.length / (performance.now() - begin)) * 1000;
}

async function measure(threads: number, kernel: KernelChoice): Promise<InferenceMeasurement> {
  const start = performance.now();
  const model = await loadModel(FOLDER, { threads, kernel });
  const loadSeconds = (performance.now() - start) / 1000;
  const { vocab_size: vocab } = model.config;
  const prompt = (seed: number, tokens: number): number[] =>
    Array.from({ length: tokens }, (_, i) => (seed + i * 7919) % vocab);
  await prefillRate(model, prompt(0, 32)); // compiles
  const prefill: number[] = [];
  const greedy: number[] = [];
  const exact: number[] = [];
  const speeds: Speed[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    prefill.push(await prefillRate(model, prompt(round, PROMPT_TOKENS)));
    greedy.push(await decodeMs(model, prompt(round, 16), () => {}));
    exact.push(await decodeMs(model, prompt(round, 16), (token) => token.logProbability));
    speeds.push(await model.measureSpeed({ repeats: 3, contextTokens: 16 }));
  }
  const { weights, embedding, kvCache, shortlist } = model.memory();
  const measured = {
    threads,
    kernel: model.kernel,
    loadSeconds,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    bytes: { weights, embedding, kvCache, shortlist },
    greedyMs: Math.min(...greedy),
    exactMs: Math.min(...exact),
    prefillTokensPerSecond: Math.max(...prefill),
    memoryBytesPerSecond: Math.max(...speeds.map((speed) => speed.memoryBytesPerSecond)),
    limitTokensPerSecond: Math.max(...speeds.map((speed) => speed.limitTokensPerSecond)),
    layers: fastest(speeds.map((speed) => speed.layers)),
    head: fastest(speeds.map((speed) => speed.head)),
    shortlist: fastest(speeds.map((speed) => speed.shortlist!)),
  };
  await model.close();
  return measured;
}

function fastest(parts: PartSpeed[]): { ms: number; bytesPerSecond: number } {
  const { ms, bytesPerSecond } = parts.toSorted((a, b) => a.ms - b.ms)[0];
  return { ms, bytesPerSecond };
}

/** The same program in a process of its own. */
function inProcess(...args: string[]): unknown {
  return measuredApart(args.join(' '), [process.execPath, SCRIPT, ...args]);
}

const gb = (bytes: number): string => (bytes / 1e9).toFixed(2);

function print({ readSeconds, measurements }: InferenceRecord): void {
  const { bytes } = measurements[0];
  const counted = bytes.weights + bytes.embedding + bytes.kvCache;
  const allowed = 1.15 * counted + 200e6;
  console.log(
    `weights ${gb(bytes.weights)} GB, embedding ${gb(bytes.embedding)} GB, KV cache ${gb(bytes.kvCache)} GB, ` +
      `int8 head ${gb(bytes.shortlist)} GB; reading the file takes ${readSeconds.toFixed(2)} s`,
  );
  for (const m of measurements) {
    const limit = m.limitTokensPerSecond;
    const share = (rate: number): string =>
      `${rate.toFixed(1)} tokens/s (${(rate / limit).toFixed(2)} of it)`;
    const parts = [
      ['layers', m.layers] as const,
      ['head, bf16', m.head] as const,
      ['head, int8 shortlist', m.shortlist] as const,
    ];
    console.log(`\n${m.threads} thread${m.threads === 1 ? '' : 's'}, kernel ${m.kernel}`);
    console.log(
      `  load       ${m.loadSeconds.toFixed(2)} s, ${(m.loadSeconds / readSeconds).toFixed(2)} times the reading`,
    );
    console.log(
      `  memory     ${gb(m.peakBytes)} GB at its peak; 1.15 × (weights + embedding + KV cache) + 200 MB = ${gb(allowed)} GB`,
    );
    console.log(
      `  limit      ${limit.toFixed(1)} tokens/s: weights and bf16 head at ${gb(m.memoryBytesPerSecond)} GB/s, which plain reading reaches`,
    );
    console.log(
      `  decode     greedy ${share(1000 / m.greedyMs)}; with all logits ${share(1000 / m.exactMs)}`,
    );
    console.log(`  prefill    ${m.prefillTokensPerSecond.toFixed(1)} tokens/s`);
    for (const [name, part] of parts) {
      console.log(
        `  ${name.padEnd(20)} ${part.ms.toFixed(1).padStart(6)} ms  ${gb(part.bytesPerSecond).padStart(5)} GB/s  ` +
          `${(part.bytesPerSecond / m.memoryBytesPerSecond).toFixed(2)} of memory speed`,
      );
    }
  }
}

/** Builds the checkpoint the first time, measures, and prints. */
export async function benchInference(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { kernel: { type: 'string', default: 'auto' }, record: { type: 'boolean', default: false } },
  });
  console.log(
    '2B4T shape, random weights; the checkpoint (1.18 GB) is made once in data/downloads/synthetic-2b4t',
  );
  await syntheticCheckpoint(FOLDER);
  inProcess('read'); // into the page cache, so that all that follows starts alike
  const reads: number[] = [];
  const measurements = THREADS.map((threads) => {
    reads.push(inProcess('read') as number);
    return inProcess('measure', String(threads), values.kernel) as InferenceMeasurement;
  });
  reads.push(inProcess('read') as number);
  const { command, machine } = measuredHere(INFERENCE, measurements);
  const record: InferenceRecord = { command, machine, readSeconds: median(reads), measurements };
  print(record);
  if (values.record) await writeMeasured(INFERENCE, record);
}

const [, script, task, threads, kernel] = process.argv;
if (script === SCRIPT) {
  const result = task === 'read' ? readFileOnce() : await measure(Number(threads), kernel as KernelChoice);
  console.log(JSON.stringify(result));
}
