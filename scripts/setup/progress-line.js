/**
 * One line of the set-up's output: rewritten in place on a terminal, written again every ten seconds elsewhere.
 */
const REDRAW_MS = 250;
/** Work that ends sooner is not spoken of before it has ended. */
const QUIET_MS = 1_000;
const REPEAT_MS = 10_000;

export class ProgressLine {
  /**
   * @param {string} label
   * @param {NodeJS.WriteStream | NodeJS.WritableStream} out
   */
  constructor(label, out) {
    this.label = label;
    this.out = out;
    this.startedMs = Date.now();
    this.detail = '';
    this.live = 'isTTY' in out && out.isTTY;
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined;
  }

  /** Says that work begins; from here on the line shows that it goes on. @param {string} what */
  begin(what) {
    this.detail = what;
    this.timer = setTimeout(() => {
      this.draw();
      this.timer = setInterval(() => this.draw(), this.live ? REDRAW_MS : REPEAT_MS).unref();
    }, QUIET_MS).unref();
  }

  /** Changes what the line says of the work under way. @param {string} detail */
  update(detail) {
    this.detail = detail;
  }

  draw() {
    const text = `${this.label}: ${this.detail} … ${this.seconds()} s`;
    if (!this.live) {
      this.out.write(`${text}\n`);
      return;
    }
    const columns = /** @type {NodeJS.WriteStream} */ (this.out).columns || 80;
    this.out.write(`\r\u001b[K${text.slice(0, columns - 1)}`);
  }

  seconds() {
    return Math.round((Date.now() - this.startedMs) / 1000);
  }

  /** Ends the line. @param {string} outcome */
  end(outcome) {
    clearTimeout(this.timer);
    const seconds = this.seconds();
    if (this.live) this.out.write('\r\u001b[K');
    this.out.write(`${this.label}: ${outcome}${seconds > 0 ? ` (${seconds} s)` : ''}\n`);
  }
}
