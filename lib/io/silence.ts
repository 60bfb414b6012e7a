/** Giving up on a server that says nothing more, or next to nothing. */

/** Below this a file of a gigabyte would take weeks, and a byte a second would keep a caller waiting for ever. */
const LEAST_BYTES_PER_SECOND = 1000;

/** A watch on a connection. */
export interface SilenceWatch {
  /** Aborts when the caller's own signal does, or when nothing was heard for too long. */
  signal: AbortSignal;
  /** Some bytes came: once they are enough, the time starts again. */
  heard(bytes: number): void;
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
  const enough = (LEAST_BYTES_PER_SECOND * limitMs) / 1000;
  let since = 0;
  const giveUp = (): void => {
    const said = since === 0 ? 'was silent for' : `sent only ${since} bytes in`;
    silence.abort(new Error(`the server ${said} ${limitMs / 1000} s`));
  };
  let timer = setTimeout(giveUp, limitMs);
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    heard(bytes) {
      since += bytes;
      if (since < enough) return;
      since = 0;
      clearTimeout(timer);
      timer = setTimeout(giveUp, limitMs);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
