/** npm run results [NAME …]: prints the tables of recorded results, of all experiments that have some by default. */
import { EXPERIMENTS, findExperiment } from '../experiments.js';
import { designHistory, readDesign } from '../record/design.js';
import { readRecorded } from '../record/recorded.js';
import { hasResults } from '../record/results-file.js';

const names = process.argv.slice(2);
try {
  const chosen =
    names.length > 0 ? names.map(findExperiment) : EXPERIMENTS.filter((one) => hasResults(one.name));
  for (const experiment of chosen) {
    const recorded = await readRecorded(experiment.name);
    const { runs, backends, node, cores, commit, command, seconds, design, missing } = recorded;
    console.log(`\n${experiment.title} (${command})\n`);
    for (const line of experiment.table(runs)) console.log(line);
    const backend = backends.map(
      ({ name, version, threads }) => `${name} ${version}, ${threads} thread a run`,
    );
    console.log(`\n${backend.join('; ')}. Node ${node}, ${cores} cores, commit ${commit.slice(0, 7)}.`);
    const by = design ? `, by the design ${design.sha256.slice(0, 7)}` : '';
    console.log(`${(seconds / 3600).toFixed(1)} hours of computing on one thread${by}.`);
    if (missing !== undefined) console.log(`${missing} runs or more are still to come: ${command} --extend`);
    if (experiment.claims)
      for (const line of designHistory(recorded, readDesign(experiment.name))) console.log(line);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
