/**
 * What TensorFlow's C++ code writes to the standard error by itself: it greets its first graph with two lines on
 * Abseil's log and on a compiler that is not in use, whatever TF_CPP_MIN_LOG_LEVEL says.
 */

/** File descriptor of the standard error. */
const STANDARD_ERROR = 2;
const O_WRONLY = 1;

interface Descriptors {
  dup: (descriptor: number) => number;
  dup2: (from: number, to: number) => number;
  open: (path: string, flags: number) => number;
  close: (descriptor: number) => number;
}

let descriptors: Descriptors | undefined;

/** Makes {@link withoutNativeLog} work, where the system has these functions. */
export async function prepareNativeLog(): Promise<void> {
  if (process.platform === 'win32') return;
  const { default: koffi } = await import('koffi');
  const system = koffi.load(null);
  descriptors = {
    dup: system.func('int dup(int)') as Descriptors['dup'],
    dup2: system.func('int dup2(int, int)') as Descriptors['dup2'],
    open: system.func('int open(const char *, int)') as Descriptors['open'],
    close: system.func('int close(int)') as Descriptors['close'],
  };
}

/** Runs a function that ends before anything else writes: what C++ code says meanwhile is dropped. */
export function withoutNativeLog<T>(work: () => T): T {
  if (!descriptors) return work();
  const { dup, dup2, open, close } = descriptors;
  const kept = dup(STANDARD_ERROR);
  const nowhere = open('/dev/null', O_WRONLY);
  if (kept < 0 || nowhere < 0) return work();
  dup2(nowhere, STANDARD_ERROR);
  try {
    return work();
  } finally {
    dup2(kept, STANDARD_ERROR);
    close(kept);
    close(nowhere);
  }
}
