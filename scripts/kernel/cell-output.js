/**
 * What a cell prints and shows, on its way to Jupyter. Lines are gathered for a moment: a thousand of them are then a
 * few messages, and neither Jupyter's limits nor the socket's lose any.
 */

/** How long text may wait for more. Loops without `await` are asked too, at their next line. */
const GATHER_MS = 50;
const GATHER_CHARACTERS = 32_000;
/** Text that a cell may print in all; more would only make the notebook unusable. */
const MOST_CHARACTERS = 10_000_000;

/** @typedef {'stdout' | 'stderr'} StreamName */
/** @typedef {(type: string, content: object) => void} Publish */

export class CellOutput {
  /** @type {StreamName} */
  #name = 'stdout';
  #text = '';
  #printed = 0;
  #sentAt = -Infinity;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #decoder = new TextDecoder();
  #publish;

  /** @param {Publish} publish sends a message of the cell */
  constructor(publish) {
    this.#publish = publish;
  }

  /**
   * @param {StreamName} name
   * @param {string | Uint8Array} chunk
   */
  print(name, chunk) {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true });
    if (this.#printed > MOST_CHARACTERS) return;
    this.#printed += text.length;
    if (name !== this.#name) this.flush();
    this.#name = name;
    this.#text +=
      this.#printed > MOST_CHARACTERS
        ? `\n[a cell prints at most ${MOST_CHARACTERS / 1e6} million characters; the rest is left out]\n`
        : text;
    if (this.#text.length > GATHER_CHARACTERS || performance.now() - this.#sentAt > GATHER_MS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Sends what was gathered. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '') return;
    this.#publish('stream', { name: this.#name, text: this.#text });
    this.#text = '';
    this.#sentAt = performance.now();
  }

  /**
   * An output in one or more forms, below what was printed before.
   * @param {object} content with `data` by mime type
   * @param {boolean} update whether it takes the place of an earlier one
   */
  display(content, update) {
    this.flush();
    this.#publish(update ? 'update_display_data' : 'display_data', content);
  }

  /** @param {{ name: string, message: string, lines: string[] }} error */
  fail({ name, message, lines }) {
    this.flush();
    this.#publish('error', { ename: name, evalue: message, traceback: lines });
  }
}
