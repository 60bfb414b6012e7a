import * as tf from '@tensorflow/tfjs';

/** What an operation with a hand-written gradient returns. */
export interface ForwardResult {
  value: tf.Tensor;
  /** Tensors that backward needs. Saved through TensorFlow.js, so that tidy() neither frees nor keeps them too long. */
  saved: tf.Tensor[];
  /** Gradients of the inputs, in their order. Runs inside tidy(). */
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];
}

type Save = (tensors: tf.Tensor[]) => void;
type CustomGradient = (
  f: (...inputsAndSave: unknown[]) => {
    value: tf.Tensor;
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];
  },
) => (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * An operation with its own gradient: `tf.customGrad` with types, for any number of inputs.
 * Intermediate tensors are freed when forward returns, all but value and saved.
 */
export function withGradient(inputs: tf.Tensor[], forward: () => ForwardResult): tf.Tensor {
  const customGradient = tf.customGrad as unknown as CustomGradient;
  const operation = customGradient((...inputsAndSave) => {
    const save = inputsAndSave[inputsAndSave.length - 1] as Save;
    let backward: ForwardResult['backward'] | undefined;
    const kept = tf.tidy(() => {
      const result = forward();
      backward = result.backward;
      return [result.value, ...result.saved];
    });
    const [value, ...saved] = kept;
    save(saved);
    return { value: value, gradFunc: (dy, tensors) => tf.tidy(() => backward!(dy, tensors)) };
  });
  return operation(...inputs);
}
