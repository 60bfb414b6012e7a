/** What a bench measured on one machine: experiments/results/NAME.json, made by `npm run bench -- NAME --record`. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { writeFileAtomically } from '@bitnet-notebooks/lib';
import { readResults, resultsFile } from './results-file.js';

export interface Measured<One> {
  /** The command that makes the file. */
  command: string;
  machine: string;
  measurements: One[];
}

/** The command that records what a bench measures. */
export function benchCommand(name: string): string {
  return `npm run bench -- ${name} --record`;
}

/** What a bench has just measured here. */
export function measuredHere<One>(name: string, measurements: One[]): Measured<One> {
  const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}`;
  return { command: benchCommand(name), machine, measurements };
}

/** Writes a bench's record to be committed. */
export async function writeMeasured(name: string, record: Measured<unknown>): Promise<void> {
  const text = `${JSON.stringify(record, undefined, 1)}\n`;
  await writeFileAtomically(resultsFile(name), (file) => file.writeFile(text));
}

/** @throws Error that says which command makes the file, where there is none or it is damaged */
export function readMeasured<One, All extends Measured<One> = Measured<One>>(
  name: string,
  file: string = resultsFile(name),
): Promise<All> {
  return readResults<All>(file, benchCommand(name), measurementsProblem);
}

/** What is wrong with a record of measurements; undefined where nothing is. A figure is a number from 0. */
function measurementsProblem({
  command,
  machine,
  measurements,
}: Partial<Record<keyof Measured<unknown>, unknown>>): string | undefined {
  if (typeof command !== 'string' || typeof machine !== 'string' || !Array.isArray(measurements))
    return 'a record must hold command, machine and measurements';
  const wrong = (measurements as unknown[]).findIndex((one) => !isMeasurement(one));
  return wrong < 0
    ? undefined
    : `measurement ${wrong + 1} must have no figure below 0 or missing, got ${JSON.stringify(measurements[wrong]).slice(0, 80)}`;
}

function isMeasurement(value: unknown): boolean {
  if (typeof value === 'number') return value >= 0;
  if (typeof value !== 'object') return true;
  return value !== null && Object.values(value).every(isMeasurement);
}

/**
 * What a program prints last, as JSON: what is measured in a process of its own meets no other's threads, memory or compiled code.
 * @param what is measured, for the message
 * @param env beside this process's
 * @throws Error where the program ends with another status than 0
 */
export function measuredApart(
  what: string,
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): unknown {
  const { stdout, status, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...env, ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1)!);
  throw new Error(
    `bench: the process that measures ${what} must end with 0, got ${error?.message ?? status}.`,
  );
}
