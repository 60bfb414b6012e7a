import { constants } from 'node:os';

/**
 * What tslab or a program here listens to, and what the system sends. A signal without a listener leaves no trace in
 * memory. SIGPROF and SIGUSR1 are not among them: a profiler wants this very thread, and no other may take a debugger's
 * call. Both can end a process that trains.
 */
const SIGNALS = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR2',
  'SIGCHLD',
  'SIGCONT',
  'SIGWINCH',
] as const;
/** More than any system's sigset_t. */
const SIGNAL_SET_BYTES = 256;
/** POSIX leaves the number of SIG_BLOCK to the system. */
const SIG_BLOCK = process.platform === 'linux' ? 0 : 1;

/**
 * Has other threads of this process receive its signals, for good. oneDNN multiplies matrices with its stack pointer in
 * a buffer of the heap (x86-64; issue 4845 there), and a signal's frame goes below the stack pointer: one interrupt, or
 * one child that ends, would spoil whatever lies before that buffer. Listeners hear as before, since Node.js passes a
 * signal on from any thread to the event loop. Threads started later inherit this, but V8's own are older, and child
 * processes start without it.
 * @throws Error where the system's functions cannot be called
 */
export async function keepSignalsOffThisThread(): Promise<void> {
  if (process.arch !== 'x64' || process.platform === 'win32') return;
  const { default: koffi } = await import('koffi');
  const system = koffi.load(null);
  const set = Buffer.alloc(SIGNAL_SET_BYTES);
  const add = system.func('int sigaddset(void *set, int signal)') as (set: Buffer, signal: number) => number;
  const mask = system.func('int pthread_sigmask(int how, const void *set, void *old)') as (
    how: number,
    set: Buffer,
    old: null,
  ) => number;
  for (const signal of SIGNALS) requireZero('sigaddset', add(set, constants.signals[signal]));
  requireZero('pthread_sigmask', mask(SIG_BLOCK, set, null));
}

function requireZero(name: string, result: number): void {
  if (result !== 0) throw new Error(`${name}: must return 0, got ${result}.`);
}
