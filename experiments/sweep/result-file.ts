/** result.json of a run: there once the run has ended, and what its record is made from. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, readRunConfig, readTextIfThere, writeFileAtomically } from '@bitnet-notebooks/lib';
import type { RunResult } from './finished-run.js';

/** Name of the file beside a run's metrics that holds its result. */
const RESULT_FILE = 'result.json';

/**
 * The result of a run that has ended; undefined where it has not. Early results have their versions in config.json alone.
 * @throws Error where the file is damaged
 */
export async function readResult(folder: string): Promise<RunResult | undefined> {
  const path = join(folder, RESULT_FILE);
  const text = await readTextIfThere(path, 'read result');
  if (text === undefined) return undefined;
  const result = parsed(text);
  const problem = resultProblem(result);
  if (problem !== undefined) {
    throw new Error(
      `read result: ${problem} in ${path}. Delete it: the run is then evaluated again from its checkpoint, or trained ` +
        'from its beginning where it has none.',
    );
  }
  const whole = result as RunResult;
  const isEarly = whole.versions === undefined && existsSync(join(folder, 'config.json'));
  return isEarly ? { ...whole, versions: (await readRunConfig(folder)).versions } : whole;
}

/** Puts a result beside a run's metrics, whole or not at all. */
export async function writeResult(folder: string, result: RunResult): Promise<void> {
  await writeFileAtomically(join(folder, RESULT_FILE), (file) =>
    file.writeFile(`${JSON.stringify(result, undefined, 2)}\n`),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with a value that should be a run's result, as what must be there and what is; undefined where nothing
 * is. A loss is no less than 0, and there is one unless the run diverged.
 */
export function resultProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `a result must be a JSON object, got ${shown(value)}`;
  const { validationLoss, validationTokens, parameters, seconds, curve, diverged, backend, test } = value;
  const isDiverged = isObject(diverged) && validationLoss === null;
  const rules: [name: string, expected: string, isRight: boolean, found: unknown][] = [
    [
      'validationLoss',
      'a number from 0, or null beside diverged',
      isDiverged || isLoss(validationLoss),
      validationLoss,
    ],
    ['diverged', 'there only where validationLoss is null', diverged === undefined || isDiverged, diverged],
    ['validationTokens', 'a whole number', isCount(validationTokens), validationTokens],
    ['parameters', 'a whole number', isCount(parameters), parameters],
    ['seconds', 'a number from 0', isLoss(seconds), seconds],
    ['backend', 'an object with a name', isObject(backend) && typeof backend.name === 'string', backend],
    ['curve', 'a list of points with step and losses', Array.isArray(curve) && curve.every(isPoint), curve],
    ...(['lossByKind', 'measured'] as const).map((name): [string, string, boolean, unknown] => [
      name,
      'numbers by name, losses from 0',
      value[name] === undefined || (isObject(value[name]) && Object.values(value[name]).every(isLoss)),
      value[name],
    ]),
    ['test', 'an object with loss and tokens', test === undefined || isTest(test), test],
  ];
  const broken = rules.find(([, , isRight]) => !isRight);
  return broken && `${broken[0]} must be ${broken[1]}, got ${shown(broken[3])}`;
}

function isTest(test: unknown): boolean {
  return isObject(test) && isLoss(test.loss) && isCount(test.tokens);
}

function isPoint(point: unknown): boolean {
  return isObject(point) && isCount(point.step) && isLoss(point.trainLoss) && isLoss(point.validationLoss);
}

function isLoss(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}
