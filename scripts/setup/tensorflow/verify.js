/**
 * Proves that a backend computes, in a process of its own: a library that does not fit the machine ends the process
 * that loads it.
 */
import { runCommand } from '../command.js';

const PRODUCT = `
  const got = Array.from(tf.tensor2d([[1, -1], [0, 1]]).matMul(tf.tensor2d([[2, 3], [5, 7]])).dataSync());
  if (String(got) !== '-3,-4,5,7') throw new Error('a matrix product came out as ' + got);
`;

/** Node 24 took two functions out of util that tfjs-node still calls. */
const RESTORE_UTIL = `
  const util = require('node:util');
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
`;

const TENSORFLOW = `
  ${RESTORE_UTIL}
  const tf = require('@tensorflow/tfjs-node');
  if (tf.getBackend() !== 'tensorflow') throw new Error('the backend is ' + tf.getBackend());
  ${PRODUCT}
`;

const WASM = `
  const tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm');
  (async () => {
    await tf.setBackend('wasm');
    await tf.ready();
    if (tf.getBackend() !== 'wasm') throw new Error('the backend is ' + tf.getBackend());
    ${PRODUCT}
  })().catch((error) => { console.error(error); process.exit(1); });
`;

/**
 * @param {import('../project.js').Project} project
 * @param {'tensorflow' | 'wasm'} backend
 * @returns {Promise<void>}
 * @throws {import('../command.js').CommandError} where it does not compute
 */
export async function verifyBackend({ root, env }, backend) {
  await runCommand(process.execPath, ['-e', backend === 'tensorflow' ? TENSORFLOW : WASM], {
    cwd: root,
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: '2' },
    name: backend === 'tensorflow' ? 'tfjs-node' : 'the wasm backend',
  });
}
