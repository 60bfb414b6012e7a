/** What ends a sweep from outside: Ctrl-C in a terminal (SIGINT), and `docker stop` or a system that shuts down (SIGTERM). */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** One Ctrl-C can come twice, from the terminal and from npm; only what comes later is a second one. */
const IMPATIENT_MS = 1_000;
/** As a shell counts a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Calls `stop` at the first signal and ends the process at a second one: by its own doing, since the system ignores
 * signals to a container's first process unless that listens.
 * @returns ends the listening
 */
export function onStopSignal(stop: () => void): () => void {
  let first: number | undefined;
  const listen = (): void => {
    if (first === undefined) {
      first = performance.now();
      stop();
    } else if (performance.now() - first > IMPATIENT_MS) {
      process.exit(INTERRUPTED);
    }
  };
  for (const signal of SIGNALS) process.on(signal, listen);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listen);
  };
}
