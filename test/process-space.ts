/** Programs in a process space of their own, as in a container: each is process 1 there, time and again. */
import { spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SPACE = ['-p', '-f', '--mount-proc', '--kill-child=SIGKILL'];

/** Whether this system lets the user of the tests make process spaces. */
export const processSpaces: boolean = spawnSync('unshare', [...SPACE, 'true']).status === 0;

/** The command line that runs a program as process 1. */
export function inProcessSpace(program: string, args: readonly string[]): [program: string, args: string[]] {
  return ['unshare', [...SPACE, program, ...args]];
}

/** The number that process 1 of a space has out here: `unshare` itself passes no signal on. */
export function firstProcess({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}
