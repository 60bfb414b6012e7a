/** How text is continued. */
export interface GenerationOptions {
  /** Tokens to write. */
  tokens: number;
  /** 0 takes the most likely token; 1 samples from the model's own distribution; 0.8 by default. */
  temperature?: number;
  /** Seed of the sampling; 1 by default. */
  seed?: number;
}
