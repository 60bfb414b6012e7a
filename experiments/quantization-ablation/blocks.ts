/**
 * The sizes that the ablation runs at. A block is judged by itself: its arms share seeds, data, length and the spread of a
 * run.
 */
import { parseModelConfig, type ModelConfig } from '@bitnet-notebooks/lib';
import { ARMS, findArm, type Arm } from './arms.js';

export interface Block {
  name: 'small' | 'a' | 'thin';
  /** Stands before the names of its arms; empty for the size that all arms run at. */
  prefix: string;
  /** In words, for tables. */
  label: string;
  layers: number;
  width: number;
  /** Width of the feed-forward: 2B4T's 2.7 times the width, in multiples of 16. */
  inner: number;
  heads: number;
  /** Standard deviation of the first weights, about 0.65/√width; transformers' 0.02 suits wider models. */
  initializerRange: number;
}

/** Every arm: 0.1 M parameters. */
export const SMALL: Block = {
  name: 'small',
  prefix: '',
  label: '2 layers, 64 wide',
  layers: 2,
  width: 64,
  inner: 176,
  heads: 2,
  initializerRange: 0.08,
};

/** Configuration A, 0.8 M parameters: the papers' main comparison at eight times the size. */
export const A: Block = {
  name: 'a',
  prefix: 'a-',
  label: 'configuration A: 4 layers, 128 wide',
  layers: 4,
  width: 128,
  inner: 352,
  heads: 4,
  initializerRange: 0.06,
};

/** Deep for its width, 0.3 M parameters: where a norm that is missing has room to hurt. */
export const THIN: Block = {
  name: 'thin',
  prefix: 'thin-',
  label: '12 layers, 48 wide',
  layers: 12,
  width: 48,
  inner: 128,
  heads: 2,
  initializerRange: 0.094,
};

export const BLOCKS: readonly Block[] = [SMALL, A, THIN];

/** The model of an arm, by default at the size that all arms run at. */
export function ablationModel(
  { options, activation }: Pick<Arm, 'options' | 'activation'>,
  { width, inner, layers, heads, initializerRange }: Block = SMALL,
): ModelConfig {
  return parseModelConfig({
    vocab_size: 65,
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_act: activation,
    max_position_embeddings: 64,
    initializer_range: initializerRange,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bitlm: options,
  });
}

/** An arm's name in a block. */
export function nameIn(block: Block, arm: string): string {
  return block.prefix + arm;
}

/**
 * The block and arm that a name in a record stands for.
 * @throws Error for a name that no block has
 */
export function blockOf(name: string): { block: Block; arm: Arm } {
  const block =
    [A, THIN].find(
      ({ prefix }) => name.startsWith(prefix) && ARMS.some((arm) => prefix + arm.name === name),
    ) ?? SMALL;
  return { block, arm: findArm(name.slice(block.prefix.length)) };
}
