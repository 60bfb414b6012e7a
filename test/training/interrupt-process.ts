/** A cell as tslab runs it, in a process that is sent SIGINT once it says that the cell waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import vm from 'node:vm';
import { abortOnInterrupt } from '../../lib/training/interrupt.js';

/** The kernel's own listener, which tslab installs at its start. */
process.on('SIGINT', () => {});

const cell = async (): Promise<void> => {
  const signals = [abortOnInterrupt(), abortOnInterrupt()];
  await sleep(0);
  process.stdout.write('waiting\n');
  while (signals.some((signal) => !signal.aborted)) await sleep(1);
  process.stdout.write('stopped\n');
};

(globalThis as { cell?: typeof cell }).cell = cell;
// Every round is one cell; after an interrupt the next one must get a signal that has not fired.
for (let round = 0; round < 2; round++)
  await (vm.runInThisContext('cell()', { breakOnSigint: true }) as Promise<void>);
process.exit(0);
