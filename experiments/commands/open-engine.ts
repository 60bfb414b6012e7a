import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from '../sweep/engines/engine.js';
import { LocalEngine } from '../sweep/engines/local.js';
import type { Identity } from '../ray/identity.js';
import { RayEngine, type RayOptions } from '../ray/engine.js';

/** What the command line says of where to run. */
export interface EngineChoice {
  engine: string;
  address?: string;
  workers?: number;
  /** The folder of runs, where it was given: machines of a cluster share it then. */
  runs?: string;
  cancel: boolean;
  anyBackend: boolean;
}

/** @throws Error for options that do not go together, or a cluster that cannot be reached */
export async function openEngine(choice: EngineChoice): Promise<Engine> {
  const { engine, address, workers, runs, cancel, anyBackend } = choice;
  if (engine === 'local') {
    const foreign = Object.entries({ '--address': address, '--cancel': cancel, '--any-backend': anyBackend });
    const [first] = foreign.filter(([, value]) => value !== undefined && value !== false);
    if (first)
      throw new Error(`experiment: ${first[0]} belongs to --engine ray, got --engine local beside it.`);
    return new LocalEngine(workers);
  }
  if (engine !== 'ray') throw new Error(`experiment: --engine must be local or ray, got ${engine}.`);
  if (address === undefined)
    throw new Error('experiment: --engine ray needs --address http://HEAD:8265, got none beside it.');
  const options: RayOptions = { slots: workers, sharedFolder: runs, cancel, anyBackend };
  return RayEngine.connect(address, await driverIdentity(), options);
}

/** What this machine computes with, found out in a process of its own: the driver itself needs no TensorFlow. */
export async function driverIdentity(): Promise<Identity> {
  const compiled = import.meta.url.endsWith('.ts') ? '../dist/ray/run-job.js' : '../ray/run-job.js';
  const program = fileURLToPath(new URL(compiled, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--identity']);
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Identity;
}
