/**
 * Nats within which two losses count as the same: two percent of perplexity. This project's choice, said so beside every
 * claim that is judged by it; the papers name none.
 */
export const MARGIN = 0.02;
