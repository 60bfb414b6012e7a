/** The claims of the README that this project grew from, and where each is decided. */
import type { JudgedClaim } from '@bitnet-notebooks/lib';

/** By the numbers that claims name as their `headline`. */
export const HEADLINES: readonly string[] = [
  'BitLinear is a drop-in replacement for a linear layer',
  'BitNet performs close to 8-bit and FP16 models',
  'BitNet takes less memory and energy',
  'BitNet follows a scaling law as full-precision transformers do',
];

/** A headline with the claims that stand under it. */
export interface Headline {
  text: string;
  claims: JudgedClaim[];
}

/** The headlines, each with its claims; a claim that stands under one is not listed with its source again. */
export function headlinesOf(judged: readonly JudgedClaim[]): Headline[] {
  return HEADLINES.map((text, i) => ({
    text,
    claims: judged.filter(({ headline }) => headline === i + 1),
  }));
}
