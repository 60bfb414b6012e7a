import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { duration } from '../sweep/duration.js';
import { SweepClock } from '../sweep/sweep-clock.js';
import type { SweepEvent } from '../sweep/sweep.js';

/** Seconds between two lines of progress where the output is not a terminal. */
const LINE_SECONDS = 30;

/** Shows a sweep: bars for the whole and for each running run in a terminal, lines elsewhere. */
export class SweepDisplay {
  readonly #clock = new SweepClock();
  readonly #bars: MultiBar | undefined;
  readonly #whole: SingleBar | undefined;
  readonly #runs = new Map<string, SingleBar>();
  /** The machine that a run was last seen on, by the run's id. */
  readonly #where = new Map<string, string>();
  #nextLine = 0;
  #closed = false;

  /** @param title the whole, as shown before its progress */
  constructor(
    readonly title: string,
    isTerminal: boolean = process.stdout.isTTY,
  ) {
    if (!isTerminal) return;
    this.#bars = new MultiBar(
      {
        format: '{bar} {value}/{total} {name}  {note}',
        barsize: 20,
        hideCursor: true,
        clearOnComplete: true,
        noTTYOutput: false,
      },
      Presets.shades_classic,
    );
    this.#whole = this.#bars.create(1, 0, { name: title, note: '' });
  }

  show(event: SweepEvent): void {
    this.#clock.see(event);
    const { spec, id } = event;
    switch (event.kind) {
      case 'started':
        if (this.#bars)
          this.#runs.set(id, this.#bars.create(spec.training.steps, 0, { name: spec.name, note: '' }));
        break;
      case 'progress':
        this.#progress(event);
        break;
      case 'finished': {
        const { validationLoss, seconds, diverged, backend } = event.run;
        // A machine without TensorFlow's library is slow and rounds otherwise: that must not pass unseen.
        const slow = backend.name === 'tensorflow' ? '' : `, on the backend ${backend.name}`;
        const outcome = diverged
          ? `diverged at step ${diverged.step}`
          : `validation loss ${validationLoss?.toFixed(4)}`;
        const where = this.#where.has(id) ? ` on ${this.#where.get(id)}` : '';
        const again = event.again ? ' (done before)' : '';
        this.say(`${spec.name.padEnd(40)} ${outcome}, ${seconds.toFixed(0)} s${where}${slow}${again}`);
        this.#remove(id);
        break;
      }
      case 'retrying':
        this.say(`${event.error.message} It is tried again from its checkpoint.`);
        this.#remove(id);
        break;
      case 'failed':
        this.say(`${spec.name} failed: ${event.error.message}`);
        this.#remove(id);
        break;
      case 'queued':
        break;
    }
    this.#showWhole();
  }

  /** Prints a line above the bars. */
  say(line: string): void {
    if (this.#bars && !this.#closed) this.#bars.log(`${line}\n`);
    else console.log(line);
  }

  close(): void {
    this.#closed = true;
    this.#bars?.stop();
  }

  #progress({ id, spec, progress }: Extract<SweepEvent, { kind: 'progress' }>): void {
    const { note: said, step, trainLoss, seconds, where } = progress;
    if (said !== undefined) return this.say(`${spec.name}: ${said}`);
    if (where !== undefined) this.#where.set(id, where);
    const left = (seconds / step) * (spec.training.steps - step);
    const note = `loss ${trainLoss.toFixed(3)}, ${duration(left)} left${where ? ` on ${where}` : ''}`;
    this.#runs.get(id)?.update(step, { note });
  }

  #showWhole(): void {
    const { done, running, waiting, left } = this.#clock.state();
    const note = `${running} running, ${waiting} waiting${left === undefined ? '' : `, about ${duration(left)} left`}`;
    if (this.#whole) {
      this.#whole.setTotal(done + running + waiting);
      this.#whole.update(done, { note });
      return;
    }
    const now = performance.now();
    if (now < this.#nextLine) return;
    this.#nextLine = now + LINE_SECONDS * 1000;
    console.log(`${this.title}: ${done} done, ${note}`);
  }

  #remove(id: string): void {
    const bar = this.#runs.get(id);
    if (bar) this.#bars?.remove(bar);
    this.#runs.delete(id);
  }
}
