/**
 * The feed-forward block: down(norm(act(gate(norm(x))) ∘ up(norm(x)))), gate, up and down being BitLinear layers.
 * Legend: N rows (batch × tokens), C hidden size, I intermediate size.
 */
import * as tf from '@tensorflow/tfjs';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import { bitLinear, hasIdentityGradient, quantizedInput, type BitLinearOptions } from './bitlinear.js';
import { withGradient } from '../../backend/custom-gradient.js';
import type { Norm } from '../norm.js';
import { productBackward, productForward } from './quantized-product.js';

/**
 * Sees what enters a down projection.
 * @param inner before its norm, [N, I]
 * @param multiplied computes what the weights are multiplied by: after norm and quantizer, [N, I]
 */
export type DownWatch = (inner: tf.Tensor2D, multiplied: () => tf.Tensor2D) => void;

/** Weights and norms of one feed-forward block. */
export interface FeedForward {
  /** [I, C] */
  gate: tf.Tensor2D;
  /** [I, C] */
  up: tf.Tensor2D;
  /** [C, I] */
  down: tf.Tensor2D;
  /** Quantizers, and the norm and learned step in front of gate and up. */
  input: BitLinearOptions;
  /** The same in front of down; its norm is the SubLN of 2B4T (ffn_sub_norm). */
  output: BitLinearOptions;
  watch?: DownWatch;
}

/**
 * The whole block on x [N, C] → [N, C].
 * With straight-through quantizers and squared ReLU it is one operation with one gradient: two thirds of what moves
 * through memory between gate, up and down then never does. Everything else goes through the parts.
 */
export function feedForward(x: tf.Tensor2D, block: FeedForward, activation: 'relu2' | 'silu'): tf.Tensor2D {
  const { gate, up, down, input, output } = block;
  if (activation === 'relu2' && hasIdentityGradient(input)) return fusedSquaredRelu(x, block);
  const gateUp = bitLinear(x, [gate, up], input); // (N, 2·I)
  const inner = activation === 'relu2' ? gatedSquaredRelu(gateUp) : swiGlu(gateUp); // (N, I)
  block.watch?.(inner, () => quantizedInput(inner, output));
  return bitLinear(inner, [down], output);
}

function fusedSquaredRelu(
  x: tf.Tensor2D,
  { gate, up, down, input, output, watch }: FeedForward,
): tf.Tensor2D {
  const gains = (norm: Norm | undefined): tf.Tensor[] => (norm ? [norm.gain] : []);
  return withGradient([x, ...gains(input.norm), gate, up, ...gains(output.norm), down], () => {
    const first = productForward(x, [gate, up], input, input.norm);
    const [gated, upper] = first.outputs as [tf.Tensor, tf.Tensor]; // (N, I) each
    const positive = spend(gated, (g) => op.relu(g));
    const squared = op.square(positive);
    const inner = op.mul(squared, upper) as tf.Tensor2D;
    squared.dispose();
    watch?.(inner, () => quantizedInput(inner, output));
    const second = productForward(inner, [down], output, output.norm);
    return {
      value: second.outputs[0], // (N, C)
      saved: [positive, upper, ...first.saved, ...second.saved],
      backward: (dy, [positive, upper, ...rest]) => {
        const after = productBackward([dy], rest.slice(first.saved.length));
        const slope = op.mul(after.dx, positive); // (N, I)
        const dUp = op.mul(slope, positive);
        const dGate = spend(
          slope,
          (s) => op.mul(s, upper),
          (s) => op.mul(s, 2),
        );
        after.dx.dispose();
        const before = productBackward([dGate, dUp], rest.slice(0, first.saved.length));
        tf.dispose([dGate, dUp]);
        return [before, after].flatMap(({ dx, dgain, dweights }, index) => [
          ...(index === 0 ? [dx] : []),
          ...(dgain ? [dgain] : []),
          ...dweights,
        ]);
      },
    };
  }) as tf.Tensor2D;
}

/**
 * relu(gate)² ∘ up, the activation of BitNet b1.58 2B4T (arXiv 2504.12285, section 2).
 * @param gateUp [N, 2·I]: the gate's I columns, then up's
 * @returns [N, I]
 */
export function gatedSquaredRelu(gateUp: tf.Tensor2D): tf.Tensor2D {
  return withGradient([gateUp], () => {
    const [gate, up] = halves(gateUp);
    const positive = op.relu(gate);
    const squared = op.square(positive);
    return {
      value: op.mul(squared, up),
      saved: [positive, squared, up],
      backward: (dy, [positive, squared, up]) => {
        const dGate = op.mul(op.mul(dy, up), op.mul(positive, 2));
        return [op.concat([dGate, op.mul(dy, squared)], 1)];
      },
    };
  }) as tf.Tensor2D;
}

/**
 * silu(gate) ∘ up, the SwiGLU of BitNet b1.58 (arXiv 2402.17764, section 2), with silu(x) = x·σ(x).
 * @param gateUp [N, 2·I]
 * @returns [N, I]
 */
export function swiGlu(gateUp: tf.Tensor2D): tf.Tensor2D {
  return withGradient([gateUp], () => {
    const [gate, up] = halves(gateUp);
    const sigma = op.sigmoid(gate);
    const silu = op.mul(gate, sigma);
    return {
      value: op.mul(silu, up),
      saved: [sigma, silu, up],
      backward: (dy, [sigma, silu, up]) => {
        // silu'(x) = σ + silu·(1 − σ)
        const slope = op.add(sigma, op.mul(silu, op.sub(1, sigma)));
        return [op.concat([op.mul(op.mul(dy, up), slope), op.mul(dy, silu)], 1)];
      },
    };
  }) as tf.Tensor2D;
}

function halves(gateUp: tf.Tensor2D): [tf.Tensor, tf.Tensor] {
  const [rows, columns] = gateUp.shape;
  const size = columns / 2;
  return [op.slice(gateUp, [0, 0], [rows, size]), op.slice(gateUp, [0, size], [rows, size])];
}
