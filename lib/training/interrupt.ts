/** What all loops that run now stop on; a new one takes its place once it has fired. */
let current: AbortController | undefined;

/**
 * A signal that aborts when the notebook's stop button is pressed or Ctrl-C is typed (SIGINT). tslab ends the cell, but
 * a loop that awaits goes on running: one that is given this signal stops after its current step.
 */
export function abortOnInterrupt(): AbortSignal {
  if (current === undefined) {
    const controller = new AbortController();
    current = controller;
    const abort = (): void => {
      current = undefined;
      controller.abort();
    };
    // Later, since tslab runs the synchronous part of a cell under a SIGINT handler of its own (vm, breakOnSigint). When
    // that ends it puts back the default, and Node.js, having a listener already, does not set its own again: the next
    // SIGINT would kill the kernel.
    queueMicrotask(() => void process.once('SIGINT', abort));
  }
  return current.signal;
}
