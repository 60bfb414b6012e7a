/** The parts of a tokenizer.json that are looked at here; the rest is the library's. */
export interface TokenizerJson {
  model: { type: string; vocab: Record<string, number>; merges?: unknown; unk_token?: unknown };
  added_tokens?: { id: number; content: string; special?: boolean; lstrip?: boolean; rstrip?: boolean }[];
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  post_processor?: unknown;
  decoder?: { type?: unknown } | null;
}
