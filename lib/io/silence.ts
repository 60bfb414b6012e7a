/** Giving up on a server that says nothing more. */

/** A watch on a connection. */
export interface SilenceWatch {
  /** Aborts when the caller's own signal does, or when nothing was heard for too long. */
  signal: AbortSignal;
  /** Something came: the time starts anew. */
  heard(): void;
  /** The connection is done. */
  stop(): void;
}

/**
 * Watches a connection for silence.
 * @param limitMs how long the server may be silent
 * @param signal the caller's own
 */
export function watchSilence(limitMs: number, signal?: AbortSignal): SilenceWatch {
  const silence = new AbortController();
  const giveUp = (): void => silence.abort(new Error(`the server was silent for ${limitMs / 1000} s`));
  let timer = setTimeout(giveUp, limitMs);
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    heard() {
      clearTimeout(timer);
      timer = setTimeout(giveUp, limitMs);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
