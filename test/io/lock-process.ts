/** Takes one lock after the other as each appears, and prints whether it got it. */
import { existsSync } from 'node:fs';
import { tryLock } from '../../lib/io/lock.js';

// node … lock-process.ts FOLDER ROUNDS
const [, , folder, rounds] = process.argv;
console.log('ready');
for (let round = 0; round < Number(rounds); round++) {
  const path = `${folder}/lock${round}`;
  // Without a pause: all processes are to come at the same moment.
  while (!existsSync(path));
  console.log((await tryLock(path)) ? 'taken' : 'refused');
}
// A lock ends with its process.
setInterval(() => {}, 1000);
