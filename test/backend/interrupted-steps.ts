/** Trains a model twice, the second time under signals that its parent sends, and says whether both learned the same. */
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { train } from '../../lib/training/train.js';
import { config, corpus, options } from '../training/small-run.js';

const STEPS = 25;
/** Wide enough that oneDNN multiplies in a buffer of its own. */
const wide = {
  ...config,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  max_position_embeddings: 64,
};
let heard = 0;
process.on('SIGINT', () => void heard++);
await startTensorFlow({ prefer: 'tensorflow' });

async function losses(): Promise<number[]> {
  const model = new BitLM(wide, { seed: 1 });
  const found: number[] = [];
  for await (const point of train(model, corpus, { ...options(STEPS), batch: 12, context: 64 })) {
    found.push(point.trainLoss);
  }
  model.dispose();
  return found;
}

const alone = await losses();
process.stdout.write('ready for signals\n');
const disturbed = await losses();
const same = disturbed.length === STEPS && disturbed.every((loss, step) => loss === alone[step]);
process.stdout.write(`${JSON.stringify({ same, heard: heard > 0 })}\n`);
process.exit(0);
