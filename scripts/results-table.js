/**
 * Prints the recorded runs as the table that stands in the README: node scripts/results-table.js
 */
import { readFileSync } from 'node:fs';

const recorded = JSON.parse(
  readFileSync(new URL('../experiments/results/bitlm.json', import.meta.url), 'utf8'),
);
console.log('| model | parameters | steps | learning rate | validation loss (nats per character) | seconds | below 2.54 |');
console.log('|---|---|---|---|---|---|---|');
for (const run of recorded.runs.filter(({ role }) => role === 'final')) {
  const passed = run.curve.find(({ validationLoss }) => validationLoss < 2.54);
  const { steps, schedule } = run.training;
  console.log(
    `| ${run.arm} | ${(run.parameters / 1e6).toFixed(2)} M | ${steps} | ${schedule.peak} | ` +
      `**${run.validationLoss.toFixed(3)}** | ${run.seconds.toFixed(0)} | step ${passed.step}, ${passed.seconds.toFixed(0)} s |`,
  );
}
