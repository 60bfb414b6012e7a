/** What a sweep costs before it is run: how long it takes on a number of cores. */

/** A run as the schedule sees it. */
export interface PlannedRun {
  /** On one core. */
  seconds: number;
  /** Runs of one arm wait for each other: its final runs for its tuning. */
  arm: string;
  /** Waits for all runs of its arm whose round is lower. */
  round: number;
}

/**
 * Seconds from the first start to the last end, where each core takes the first run that waits for nothing. No more cores
 * can make it shorter than the longest chain from tuning to a final run.
 */
export function sweepSeconds(runs: readonly PlannedRun[], cores: number): number {
  const waiting = [...runs];
  const running: { run: PlannedRun; end: number }[] = [];
  let now = 0;
  while (waiting.length > 0 || running.length > 0) {
    const isReady = ({ arm, round }: PlannedRun): boolean =>
      ![...waiting, ...running.map(({ run }) => run)].some((one) => one.arm === arm && one.round < round);
    while (running.length < cores) {
      const next = waiting.findIndex(isReady);
      if (next < 0) break;
      const [run] = waiting.splice(next, 1);
      running.push({ run, end: now + run.seconds });
    }
    running.sort((a, b) => a.end - b.end);
    now = running.shift()!.end;
  }
  return now;
}
