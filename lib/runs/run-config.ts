/** The complete description of a training run, as its folder's config.json holds it. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { ModelConfig } from '../config.js';
import { isObject } from '../io/is-object.js';

/** Everything that the losses of a run follow from. Plain data: it goes through JSON and back unchanged. */
export interface RunConfig {
  /** The network. */
  model: ModelConfig;
  /** Options of the training: batch, steps, schedule, clipping, evaluation. */
  training: object;
  /** Every seed by what it is for, such as `{ weights: 1, batches: 2 }`. */
  seeds: Readonly<Record<string, number>>;
  /** The text or language that is learned, and the SHA-256 of its bytes or of its definition. */
  data: { name: string; sha256: string };
  /** What computes. Another one adds in another order, so the last bits differ. */
  backend: { name: string; version: string; threads: number };
  /** Versions of Node.js, of this project and of the packages that compute. See {@link installedVersions}. */
  versions: { node: string; project: string; packages: Readonly<Record<string, string>> };
  /** Identities that this run had before it was given more steps. */
  earlier?: readonly string[];
}

/**
 * SHA-256 of what defines the experiment: model, training, seeds and data, not the machine. Two runs with the same
 * identity are the same experiment; the order of keys does not matter.
 * @returns 64 hexadecimal digits
 */
export function runIdentity(config: RunConfig): string {
  const { model, training, seeds, data } = config;
  return createHash('sha256').update(stableJson({ model, training, seeds, data })).digest('hex');
}

/**
 * JSON with sorted keys: the same data gives the same text. Keys whose value is undefined are left out.
 * @throws Error for NaN and infinities, which JSON cannot hold; it names the key
 */
export function stableJson(value: unknown, indent?: number): string {
  return JSON.stringify(sorted(value, 'value'), undefined, indent);
}

function sorted(value: unknown, path: string): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new Error(`JSON: ${path} must be a finite number, got ${value}.`);
  }
  if (Array.isArray(value)) return value.map((item, index) => sorted(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, `${path}.${key}`)]));
}

/**
 * Where two configurations differ, one line a place: `training.batch: 12 in the folder, 16 now`.
 * @param stored from the run's folder
 * @param wanted what is to run now
 */
export function configDifferences(stored: unknown, wanted: unknown, path = ''): string[] {
  if (isObject(stored) && isObject(wanted)) {
    const keys = [...new Set([...Object.keys(stored), ...Object.keys(wanted)])];
    return keys.flatMap((key) =>
      configDifferences(stored[key], wanted[key], path === '' ? key : `${path}.${key}`),
    );
  }
  const before = show(stored);
  const now = show(wanted);
  return before === now ? [] : [`${path}: ${before} in the folder, ${now} now`];
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : stableJson(value);
}

/** Packages whose version can change a loss. */
const COMPUTING_PACKAGES = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-node'];

/** Versions of Node.js, of this project and of the packages that compute, as far as they are installed. */
export function installedVersions(): RunConfig['versions'] {
  const require = createRequire(import.meta.url);
  const version = (name: string): string | undefined => {
    try {
      return (require(`${name}/package.json`) as { version: string }).version;
    } catch {
      return undefined;
    }
  };
  const packages: Record<string, string> = {};
  for (const name of COMPUTING_PACKAGES) {
    const installed = version(name);
    if (installed !== undefined) packages[name] = installed;
  }
  return { node: process.version, project: version('@bitnet-notebooks/lib') ?? 'unknown', packages };
}
