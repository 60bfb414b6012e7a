/** From ids that come one by one to text that can be shown at once. */

/**
 * Turns ids into text as they come. A character whose bytes are spread over several tokens is held back until it is
 * whole, so no half character is ever shown; all that `push` and `end` return together is what decoding all ids at once
 * returns.
 */
export class TextStream {
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param bytesOf the bytes of an id; throws for an id out of range */
  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  /** The text that is certain with this id; often empty between the tokens of one character. */
  push(id: number): string {
    return this.#decoder.decode(this.#bytesOf(id), { stream: true });
  }

  /** What is held back, as the replacement character U+FFFD if there is half a character. The stream starts again. */
  end(): string {
    return this.#decoder.decode();
  }
}
