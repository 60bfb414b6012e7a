import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { prepareNativeLog } from './native-log.js';
import { keepSignalsOffThisThread } from './signals.js';

/** What the training engine runs on, in words for the first cell of a notebook. */
export interface BackendDescription {
  /** `tensorflow`: libtensorflow through tfjs-node. `wasm`: TensorFlow.js's own WebAssembly kernels, one thread. */
  name: 'tensorflow' | 'wasm';
  /** Version of libtensorflow, or of the wasm backend. */
  version: string;
  /** Threads that training uses, each for a share of the batch. An operation uses one. */
  threads: number;
  /** One sentence: which backend runs and what it costs. */
  note: string;
}

export interface BackendOptions {
  /** Threads for training, 1 by default: runs of a sweep go side by side. Fixed once TensorFlow is loaded. */
  threads?: number;
  /** `auto` takes tfjs-node where its library is installed, else wasm. */
  prefer?: 'auto' | 'tensorflow' | 'wasm';
}

/** More are a mistake. */
const MAX_THREADS = 256;
const PREFERENCES: readonly string[] = ['auto', 'tensorflow', 'wasm'];

let running: BackendDescription | undefined;

/**
 * Loads TensorFlow and makes its fastest backend current. Calling it again returns the same backend.
 * @throws Error when the wanted backend cannot be loaded, or is asked for with other threads than it runs with
 */
export async function startTensorFlow(options: BackendOptions = {}): Promise<BackendDescription> {
  const { threads, prefer = 'auto' } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS)) {
    throw new Error(
      `startTensorFlow: threads must be a whole number from 1 to ${MAX_THREADS}, got ${threads}.`,
    );
  }
  if (!PREFERENCES.includes(prefer)) {
    throw new Error(`startTensorFlow: prefer must be one of ${PREFERENCES.join(', ')}, got ${prefer}.`);
  }
  if (running && (prefer === 'auto' || prefer === running.name)) {
    if (threads !== undefined && threads !== running.threads) {
      throw new Error(
        `startTensorFlow: TensorFlow already runs with ${running.threads} thread(s) and cannot change to ${threads}. ` +
          'Restart the kernel, then ask for the threads first.',
      );
    }
    return running;
  }
  if (prefer !== 'wasm') {
    try {
      running = await startNative(threads ?? 1);
      return running;
    } catch (error) {
      if (prefer === 'tensorflow') {
        throw new Error(
          `startTensorFlow: tfjs-node could not be loaded (${firstLine(error)}). Run \`npm start\` once: it installs it.`,
          { cause: error },
        );
      }
    }
  }
  running = await startWasm(threads ?? 1);
  return running;
}

/** The backend that runs, or undefined before startTensorFlow. */
export function currentBackend(): BackendDescription | undefined {
  return running;
}

/** Says in the backend's note, once, why steps of training are not one call of TensorFlow each. */
export function noteEagerSteps(reason: string): void {
  const text = ` Steps of training stay eager, which is slower: ${reason}.`;
  if (running && !running.note.includes(text)) running.note += text;
}

async function startNative(threads: number): Promise<BackendDescription> {
  // libtensorflow reads these once, when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_NUM_INTRAOP_THREADS = '1';
  process.env.TF_NUM_INTEROP_THREADS = String(threads);
  process.env.OMP_NUM_THREADS = '1';
  // On processors with AVX-512 VNNI TensorFlow would rewrite graphs for oneDNN, but not single calls: a step that is one
  // call would then have other last bits than an eager one, and every run would stay eager.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  restoreRemovedNodeFunctions();
  // Before TensorFlow starts threads: they inherit it.
  const unsafe = await keepSignalsOffThisThread().then(
    () => '',
    (error: unknown) => ` An interrupt may end this process (${firstLine(error)}).`,
  );
  // Without it two lines more are written: no reason to stop.
  await prepareNativeLog().catch(() => {});
  await import('@tensorflow/tfjs-node');
  await tf.setBackend('tensorflow');
  const { binding } = tf.backend() as unknown as { binding: { TF_Version: string } };
  return {
    name: 'tensorflow',
    version: binding.TF_Version,
    threads,
    note: `tfjs-node on TensorFlow ${binding.TF_Version}, ${threads} thread${threads === 1 ? '' : 's'}: full speed.${unsafe}`,
  };
}

async function startWasm(threads: number): Promise<BackendDescription> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  wasm.setWasmPaths(join(folder, '/'));
  await tf.setBackend('wasm');
  return {
    name: 'wasm',
    version: wasm.version_wasm,
    threads,
    note:
      `TensorFlow.js ${wasm.version_wasm} on WebAssembly, since tfjs-node's library is not installed: ` +
      'about 7 times slower, enough for the smallest models.',
  };
}

/** Node 23 and later lack two functions of node:util that tfjs-node calls. */
function restoreRemovedNodeFunctions(): void {
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  legacy.isArray ??= Array.isArray;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
