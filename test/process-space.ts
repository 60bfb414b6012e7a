/** Programs in a process space of their own, as in a container: each is process 1 there, time and again. */
import { spawnSync } from 'node:child_process';

const SPACE = ['-p', '-f', '--mount-proc', '--kill-child=SIGKILL'];

/** Whether this system lets the user of the tests make process spaces. */
export const processSpaces: boolean = spawnSync('unshare', [...SPACE, 'true']).status === 0;

/** The command line that runs a program as process 1. A signal reaches it through `kill` from inside or from its parent. */
export function inProcessSpace(program: string, args: readonly string[]): [program: string, args: string[]] {
  return ['unshare', [...SPACE, program, ...args]];
}
