/**
 * A signal that aborts when the notebook's stop button is pressed or Ctrl-C is typed (SIGINT). tslab ends the cell, but
 * a loop that awaits goes on running: one that is given this signal stops after its current step.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}
