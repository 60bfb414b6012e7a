import type * as tf from '@tensorflow/tfjs';
import { native, nativeId } from '../binding.js';
import { Graph, NoGraphError } from './graph.js';
import { addRecording, record } from './recording.js';
import { DATA_TYPES } from './saved-model.js';
import { GraphSession } from './session.js';

/**
 * A function of tensors that is called again and again with tensors of the same shapes: from the third call on it is one
 * call of TensorFlow. The first two are recorded; their graphs must be equal, and the graph must give the second result
 * to the last bit. Where that is not so the function runs as it is. On tfjs-node alone.
 */
export class CompiledFunction {
  private recorded: Graph | undefined;
  private session: GraphSession | undefined;
  private mayCompile = true;

  /** @param f reads no values, and depends on its inputs alone */
  constructor(private readonly f: (inputs: readonly tf.Tensor[]) => tf.Tensor) {}

  /** @returns a new tensor */
  call(inputs: readonly tf.Tensor[]): tf.Tensor {
    const { session } = this;
    if (session) return this.run(session, inputs);
    return this.mayCompile ? this.recordedCall(inputs) : this.f(inputs);
  }

  /** Frees the graph. */
  close(): void {
    this.session?.close();
    this.session = undefined;
    this.mayCompile = false;
  }

  private run(session: GraphSession, inputs: readonly tf.Tensor[]): tf.Tensor {
    const feeds = new Map(inputs.map((input, i) => [`input${i}`, nativeId(input)]));
    return native().createOutputTensor(session.run(feeds, ['result'])[0]);
  }

  private recordedCall(inputs: readonly tf.Tensor[]): tf.Tensor {
    const recording = record(inputs, () => this.f(inputs));
    const { result } = recording;
    try {
      const graph = new Graph();
      const places = new Map(
        inputs.map((input, i): [tf.Tensor, string] => {
          const type = DATA_TYPES[input.dtype as 'float32' | 'int32'];
          return [input, graph.placeholder(`input${i}`, type, input.shape)];
        }),
      );
      const place = addRecording(graph, recording, 'call', places)(result);
      graph.add('result', 'Identity', [place], { T: { type: DATA_TYPES.float32 } });
      if (!this.recorded) this.recorded = graph;
      else this.compile(graph, inputs, result);
    } catch (error) {
      if (!(error instanceof NoGraphError)) throw error;
      this.close();
    }
    return result;
  }

  private compile(graph: Graph, inputs: readonly tf.Tensor[], expected: tf.Tensor): void {
    if (!this.recorded!.equals(graph)) throw new NoGraphError('two calls in a row differ');
    this.recorded = undefined;
    this.session = GraphSession.open(graph);
    const result = this.run(this.session, inputs);
    const [found, wanted] = [result, expected].map((tensor) => {
      const { buffer, byteOffset, byteLength } = tensor.dataSync<'float32'>();
      return Buffer.from(buffer, byteOffset, byteLength);
    });
    const isEqual = found.equals(wanted);
    result.dispose();
    if (!isEqual) throw new NoGraphError('its result has other last bits');
  }
}
