/**
 * `npm run notebooks -- [--preset smoke|laptop|full] [--output DIR] [--times] [--tidy] [NAME ...]`: executes the
 * notebooks in notebooks/, all or the named ones, without a browser. Their outputs go into the notebooks themselves, or
 * with --output into copies. --times prints how long kernel and cells took, and leaves the notebooks as they are. --tidy
 * executes nothing and brings the files into the form in which they are committed.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readArguments } from './arguments.js';
import { describeTimes } from './notebooks/cell-times.js';
import { normaliseNotebook } from './notebooks/normalise.js';
import { runNotebook } from './notebooks/run-notebook.js';
import { endProgramsOnSignal } from './setup/command.js';
import { allSteps } from './setup/list.js';
import { projectAt } from './setup/project.js';
import { SetupError } from './setup/setup-error.js';
import { runSteps } from './setup/steps.js';
import { writeWhole } from './setup/written-whole.js';

const PRESETS = ['smoke', 'laptop', 'full'];
const USAGE =
  'Use: npm run notebooks -- [--preset smoke|laptop|full] [--output DIR] [--times] [--tidy] [NAME ...]';

/**
 * @param {import('./setup/project.js').Project} project
 * @param {string[]} names with or without `.ipynb`; none for all
 * @returns {string[]} paths, sorted by name
 */
function findNotebooks({ notebooks }, names) {
  const all = readdirSync(notebooks).filter((file) => file.endsWith('.ipynb'));
  for (const name of names) {
    if (all.some((file) => isNamed(file, name))) continue;
    throw new SetupError(`There is no notebook ${name} in notebooks/.`, `Choose from: ${all.join(', ')}.`);
  }
  if (all.length === 0)
    throw new SetupError('notebooks/ holds no notebook.', 'Restore them: git checkout notebooks');
  const chosen = names.length === 0 ? all : all.filter((file) => names.some((name) => isNamed(file, name)));
  return chosen.toSorted().map((file) => join(notebooks, file));
}

/**
 * @param {string} file
 * @param {string} name
 */
function isNamed(file, name) {
  return file === basename(name) || file === `${basename(name)}.ipynb`;
}

/** @returns {Promise<number>} the exit code */
async function main() {
  const { values, positionals } = readArguments('Notebooks', USAGE, {
    allowPositionals: true,
    options: {
      preset: { type: 'string' },
      output: { type: 'string' },
      times: { type: 'boolean' },
      tidy: { type: 'boolean' },
    },
  });
  const { preset, output, times: timed, tidy } = values;
  if (preset !== undefined && !PRESETS.includes(preset)) {
    throw new SetupError(
      `--preset must be one of ${PRESETS.join(', ')}, got ${preset}.`,
      'Choose one of them.',
    );
  }
  const project = projectAt();
  const files = findNotebooks(project, positionals);
  if (tidy) {
    for (const file of files) writeWhole(file, normaliseNotebook(readFileSync(file, 'utf8'), project.root));
    return 0;
  }

  if (!(await runSteps(allSteps, project))) return 1;
  let failed = 0;
  for (const source of files) {
    const name = basename(source);
    const inPlace = timed ? undefined : source;
    const target = output === undefined ? inPlace : join(resolve(output), name);
    console.log(`\n${name}`);
    const { seconds, times, failure } = await runNotebook(project, { source, target, preset }, (cell, of) =>
      console.log(`  cell ${cell} of ${of}`),
    );
    if (failure === undefined) {
      console.log(`  done in ${seconds.toFixed(0)} s`);
      if (timed) console.log(`  ${describeTimes(readFileSync(source, 'utf8'), times)}`);
    } else {
      failed += 1;
      console.error(`  FAILED ${name}, ${failure}`);
    }
  }
  console.log(`\n${files.length - failed} of ${files.length} notebooks ran to their end.`);
  return failed === 0 ? 0 : 1;
}

endProgramsOnSignal();
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}
