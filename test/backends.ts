/** The TensorFlow backends that tests of tensor code run on: wasm always, tfjs-node where its library is installed. */
import { startTensorFlow, type BackendDescription } from '../lib/backend/tensorflow.js';

const native = await startTensorFlow({ prefer: 'tensorflow' }).then(
  () => true,
  (error: Error) => {
    console.warn(`Tests on tfjs-node are left out: ${error.message}`);
    return false;
  },
);

export const BACKENDS: readonly BackendDescription['name'][] = native ? ['tensorflow', 'wasm'] : ['wasm'];
