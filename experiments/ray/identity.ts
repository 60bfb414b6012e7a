/** What a machine computes with: two machines that agree in all of it give the same results. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTraining } from '@bitnet-notebooks/lib';
import { checkedOutCommit, CLONE } from '../sweep/commit.js';
import { sha256 } from './run-log.js';

export interface Identity {
  /** Commit that is checked out; for people. */
  commit: string;
  /** SHA-256 of package-lock.json. */
  lock: string;
  /** SHA-256 of all compiled code: shows a clone that was changed, or not compiled after it was updated. */
  code: string;
  node: string;
  /** Name, version and threads. */
  backend: string;
}

/** Loads TensorFlow. */
export async function ownIdentity(): Promise<Identity> {
  const { backend } = await loadTraining({ threads: 1 });
  return {
    commit: checkedOutCommit(),
    lock: short(sha256(readFileSync(join(CLONE, 'package-lock.json'), 'utf8'))),
    code: short(compiledCode()),
    node: process.version,
    backend: `${backend.name} ${backend.version}, threads ${backend.threads}`,
  };
}

const WHAT: Readonly<Record<keyof Identity, [name: string, remedy: string]>> = {
  commit: ['commit', 'check out the same commit there and run npm run setup'],
  lock: ['package-lock.json', 'check out the same commit there and run npm run setup'],
  code: ['compiled code', 'run npm run build on both machines, from the same files'],
  node: ['Node.js', 'install the same version there'],
  backend: [
    'backend',
    'run npm run setup there, or give --any-backend to take results that agree to rounding only',
  ],
};

/**
 * Why a machine must not carry out runs of another.
 * @returns undefined where it may
 */
export function refusal(
  driver: Identity,
  own: Identity,
  { anyBackend = false }: { anyBackend?: boolean } = {},
): string | undefined {
  for (const key of Object.keys(WHAT) as (keyof Identity)[]) {
    if (driver[key] === own[key] || (anyBackend && key === 'backend')) continue;
    const [name, remedy] = WHAT[key];
    return `its ${name} must be that of the driver, ${driver[key]}, got ${own[key]}. To use it, ${remedy}.`;
  }
  return undefined;
}

function compiledCode(): string {
  const hash = createHash('sha256');
  for (const part of ['lib', 'experiments']) {
    const dist = join(CLONE, part, 'dist');
    const names = existsSync(dist) ? readdirSync(dist, { recursive: true, encoding: 'utf8' }) : [];
    for (const name of names.filter((name) => name.endsWith('.js')).sort()) {
      // The compiler leaves the output of a file that was deleted; nothing imports it.
      if (!existsSync(join(CLONE, part, name.replace(/\.js$/, '.ts')))) continue;
      hash.update(`${part}/${name}\n`).update(readFileSync(join(dist, name)));
    }
  }
  return hash.digest('hex');
}

function short(hash: string): string {
  return hash.slice(0, 16);
}
