/** How far a sweep is, in one line below a cell that is written over as it goes on. */
import { duration } from './duration.js';
import { SweepClock } from './sweep-clock.js';
import type { SweepEvent } from './sweep.js';

/** Least time between two versions of the line, in milliseconds. */
const REWRITE_MS = 250;

/** The line of one sweep. */
export class ProgressLine {
  readonly #clock = new SweepClock();
  readonly #write: (text: string) => void;
  #writtenAt = -Infinity;
  #length = 0;

  /** @param write puts text where the reader looks; `\r` goes back to the line's start */
  constructor(write: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#write = write;
  }

  show(event: SweepEvent): void {
    this.#clock.see(event);
    if (performance.now() - this.#writtenAt < REWRITE_MS) return;
    const { done, running, waiting, left } = this.#clock.state();
    const rest = left === undefined ? '' : `, about ${duration(left)} left`;
    this.#rewrite(`${done} of ${done + running + waiting} runs done, ${running} under way${rest}`);
  }

  /** Ends the line. */
  end(stopped: boolean): void {
    const { done, running, waiting } = this.#clock.state();
    const of = `${done} of ${done + running + waiting} runs`;
    this.#rewrite(stopped ? `stopped with ${of} done; run the cell again to go on` : `${of} done`);
    this.#write('\n');
  }

  /** A shorter line leaves nothing of a longer one. */
  #rewrite(text: string): void {
    this.#write(`\r${text.padEnd(this.#length)}`);
    this.#length = text.length;
    this.#writtenAt = performance.now();
  }
}
