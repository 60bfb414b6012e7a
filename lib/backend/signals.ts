import { constants } from 'node:os';

/** What Node.js, tslab or a program here may listen to. A signal without a listener leaves no trace in memory. */
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
 * a buffer of the heap (x86-64, until oneDNN 3.12; issue 4845 there), and a signal's frame goes below the stack
 * pointer: one interrupt, or one child that ends, would spoil whatever lies before that buffer. Listeners hear as
 * before, since Node.js passes a signal on from any thread to the event loop. Threads started later inherit this, but
 * V8's own are older, and processes start without it. SIGPROF stays: a profiler wants this very thread.
 * @throws Error where the system's function cannot be called
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
  for (const signal of SIGNALS) add(set, constants.signals[signal]);
  const failed = mask(SIG_BLOCK, set, null);
  if (failed !== 0) throw new Error(`pthread_sigmask: must return 0, got ${failed}.`);
}
