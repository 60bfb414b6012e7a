interface Stop {
  signal: AbortSignal;
  /** Listens to the interrupt. */
  abort: () => void;
}

/** What all loops that run now stop on; a new one takes its place once it has fired. */
let current: Stop | undefined;

/**
 * A signal that aborts when the notebook's stop button is pressed or Ctrl-C is typed (SIGINT). A loop that is given it
 * stops after its current step. The notebook's kernel waits for that in a cell that has asked for the signal; others it
 * leaves at once.
 */
export function abortOnInterrupt(): AbortSignal {
  current ??= newStop();
  const { abort, signal } = current;
  // Later, since tslab runs the synchronous part of a cell under a SIGINT handler of its own (vm, breakOnSigint). When
  // that ends it puts back the default, and Node.js, having a listener already, does not set its own again: the next
  // SIGINT would kill the process.
  queueMicrotask(() => {
    if (signal.aborted) return;
    // Again for each cell: the kernel looks for listeners that were not there before.
    process.off('SIGINT', abort);
    process.once('SIGINT', abort);
  });
  return signal;
}

function newStop(): Stop {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort() {
      current = undefined;
      controller.abort();
    },
  };
}
