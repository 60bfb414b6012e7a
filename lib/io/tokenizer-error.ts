/** Thrown for a tokenizer that cannot be used, and for text or ids that it cannot turn into the other. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}
