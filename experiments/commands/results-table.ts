/** npm run results [NAME …]: prints the tables of recorded results, as they stand in the README. */
import { EXPERIMENTS, findExperiment } from '../experiments.js';
import { readRecorded } from '../record/recorded.js';

const names = process.argv.slice(2);
try {
  const chosen = names.length > 0 ? names.map(findExperiment) : EXPERIMENTS;
  for (const experiment of chosen) {
    const { runs, backends, node, cores, commit, command } = await readRecorded(experiment.name);
    console.log(`\n${experiment.title} (${command})\n`);
    for (const line of experiment.table(runs)) console.log(line);
    const backend = backends.map(
      ({ name, version, threads }) => `${name} ${version}, ${threads} thread a run`,
    );
    console.log(`\n${backend.join('; ')}. Node ${node}, ${cores} cores, commit ${commit.slice(0, 7)}.`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
