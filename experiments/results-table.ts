/** npm run results: prints the recorded runs as the table that stands in the README. */
import { readRecorded } from './recorded.js';

const { runs, backend, node, cores, commit } = await readRecorded('bitlm');
console.log(
  '| model | parameters | steps | learning rate | validation loss (nats per character) | seconds | below 2.54 |',
);
console.log('|---|---|---|---|---|---|---|');
for (const { arm, parameters, training, validationLoss, seconds, curve } of runs.filter(
  ({ role }) => role === 'final',
)) {
  const passed = curve.find((point) => point.validationLoss < 2.54);
  console.log(
    `| ${arm} | ${(parameters / 1e6).toFixed(2)} M | ${training.steps} | ${training.schedule.peak} | ` +
      `**${validationLoss.toFixed(3)}** | ${seconds.toFixed(0)} | step ${passed?.step}, ${passed?.seconds.toFixed(0)} s |`,
  );
}
console.log(`\n${backend.note} Node ${node}, ${cores} cores, commit ${commit.slice(0, 7)}.`);
