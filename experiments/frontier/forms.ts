/** The forms that weights can take: a trained arm, and how its weights are stored. Each is a series of the frontier. */
import type { Arithmetic } from '@bitnet-notebooks/lib';
import { findNamed } from '../sweep/find-named.js';
import { STORED_BITS, STORED_GROUPS } from '../sweep/evaluations/stored-after-training.js';

export interface Form {
  name: string;
  /** In words, for tables and legends. */
  label: string;
  /** The arm whose runs it is made from. */
  arm: string;
  /** Names of its bytes and loss among what a run measured. */
  bytes: string;
  loss: string;
  /** How its products are computed, as far as the papers count energy. */
  arithmetic: Arithmetic;
  /** The kernel of this project that it would run on; absent: there is none for it. */
  kernel?: 'ternary' | 'fp16';
}

function trained(
  name: string,
  label: string,
  arm: string,
  stored: 'half' | 'bits' | 'trits' | 'entropy',
  rest: Pick<Form, 'arithmetic' | 'kernel'>,
): Form {
  return { name, label, arm, bytes: `stored-${stored}-bytes`, loss: 'stored-loss', ...rest };
}

const FP16 = { arithmetic: 'fp16', kernel: 'fp16' } as const;
const TERNARY = { arithmetic: 'bitnet', kernel: 'ternary' } as const;
/** Weights of few bits are widened to 16 before they are multiplied; no kernel of this project does that. */
const WIDENED = { arithmetic: 'fp16' } as const;

function afterTraining(bits: number, group: number, rounding: 'nearest' | 'gptq'): Form {
  const name = `int${bits}-g${group}-${rounding}`;
  return {
    name,
    label: `${bits} bits, groups of ${group}, ${rounding === 'gptq' ? 'GPTQ' : 'rounded'}`,
    arm: 'full-precision',
    bytes: `${name}-bytes`,
    loss: `${name}-loss`,
    ...WIDENED,
  };
}

export const FORMS: readonly Form[] = [
  trained('fp16', 'fp16', 'full-precision', 'half', FP16),
  trained('fp16-llama', 'fp16, LLaMA’s layers', 'llama', 'half', FP16),
  trained('b1.58', 'b1.58, five trits a byte', 'b1.58', 'trits', TERNARY),
  trained('b1.58-2bit', 'b1.58, two bits', 'b1.58', 'bits', TERNARY),
  trained('b1.58-entropy', 'b1.58, at its entropy', 'b1.58', 'entropy', TERNARY),
  // The kernel keeps two bits a weight, whatever they say.
  trained('b1', 'b1, one bit', 'b1', 'bits', TERNARY),
  trained('late-half', 'b1.58, last half of the steps', 'late-half', 'trits', TERNARY),
  trained('late-fifth', 'b1.58, last fifth of the steps', 'late-fifth', 'trits', TERNARY),
  ...[3, 4, 6, 8].map((bits) =>
    trained(`int${bits}-trained`, `${bits} bits, trained`, `int${bits}-trained`, 'bits', WIDENED),
  ),
  {
    name: 'int8-a8',
    label: '8 bits and int8 activations, rounded',
    arm: 'full-precision',
    bytes: 'int8-a8-bytes',
    loss: 'int8-a8-loss',
    arithmetic: 'int8',
  },
  ...STORED_BITS.flatMap((bits) =>
    STORED_GROUPS.flatMap((group) =>
      (['nearest', 'gptq'] as const).map((rounding) => afterTraining(bits, group, rounding)),
    ),
  ),
];

/** @throws Error that names the forms there are */
export function formNamed(name: string): Form {
  return findNamed('frontier: the form', FORMS, name);
}
