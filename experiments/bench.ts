/** npm run bench -- NAME: measurements of speed, kept apart from the tests. */
import { benchTraining } from './bench/training.js';

const BENCHES: Readonly<Record<string, () => void | Promise<void>>> = { training: benchTraining };

const name = process.argv[2];
if (name === undefined || !Object.hasOwn(BENCHES, name)) {
  console.error(`Usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')}`);
  process.exitCode = 1;
} else {
  await BENCHES[name]();
}
