/**
 * `npm run export -- notebooks/NAME.ipynb [--output FILE.html]`: writes a notebook as one page that needs neither
 * Jupyter nor the network. Its charts are live, and pictures where scripts do not run. Nothing is executed.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './arguments.js';
import { putCharts, takeCharts } from './export/charts.js';
import { putFormulas, takeFormulas } from './export/formulas.js';
import { putImages } from './export/images.js';
import { putLabParts } from './export/lab-parts.js';
import { endProgramsOnSignal, runCommand } from './setup/command.js';
import { projectAt } from './setup/project.js';
import { explain, SetupError } from './setup/setup-error.js';
import { writeWhole } from './setup/written-whole.js';

const TEMPLATES = join(dirname(fileURLToPath(import.meta.url)), 'export');
const USAGE = 'Use: npm run export -- notebooks/NAME.ipynb [--output FILE.html]';

/**
 * @typedef {object} Notebook
 * @property {{ cell_type?: string, source?: string | string[], outputs?: import('./export/charts.js').Output[] }[]} cells
 */

/**
 * @param {string} file
 * @returns {Notebook}
 */
function readNotebook(file) {
  /** @type {Notebook} */
  let notebook;
  try {
    // A pipe would be waited for.
    if (!statSync(file).isFile()) throw new Error('it is no regular file');
    notebook = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new SetupError(
      `Export: ${file} must be a notebook, but cannot be read (${code ?? message}).`,
      USAGE,
    );
  }
  if (!Array.isArray(notebook?.cells)) {
    throw new SetupError(`Export: ${file} must be a notebook, but holds no cells.`, USAGE);
  }
  return notebook;
}

/**
 * Writes the notebook in `source` as a page.
 * @param {import('./setup/project.js').Project} project
 * @param {string} source
 * @param {string} target
 * @returns {Promise<{ charts: number, bytes: number }>}
 */
async function exportNotebook(project, source, target) {
  const notebook = readNotebook(source);
  const charts = takeCharts(notebook.cells);
  /** @type {string[]} */
  const formulas = [];
  for (const cell of notebook.cells) {
    if (cell.cell_type !== 'markdown' || cell.source === undefined) continue;
    cell.source = takeFormulas([cell.source].flat().join(''), formulas);
  }
  const folder = mkdtempSync(join(tmpdir(), 'notebook-export-'));
  try {
    const name = basename(source, extname(source));
    writeFileSync(join(folder, `${name}.ipynb`), JSON.stringify(notebook));
    const options = [
      '--to=html',
      '--template=page',
      `--TemplateExporter.extra_template_basedirs=${TEMPLATES}`,
      `--output-dir=${folder}`,
      '--log-level=ERROR',
    ];
    await runCommand(project.python, ['-m', 'nbconvert', ...options, join(folder, `${name}.ipynb`)], {
      cwd: dirname(source),
      env: project.env,
      name: 'nbconvert',
    }).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
      throw new SetupError(
        `Export: ${project.python} must be there.`,
        'Set the project up first: npm run setup',
      );
    });
    const html = readFileSync(join(folder, `${name}.html`), 'utf8');
    const page = putLabParts(putImages(putFormulas(html, formulas), dirname(source)));
    writeWhole(target, putCharts(page, charts));
    return { charts: charts.length, bytes: statSync(target).size };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values, positionals } = readArguments('Export', USAGE, {
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o' } },
  });
  const [source] = positionals;
  if (source === undefined || positionals.length > 1) {
    throw new SetupError(`Export: one notebook must be named, got ${positionals.length}.`, USAGE);
  }
  const file = resolve(source);
  const target = resolve(values.output ?? file.replace(/(\.ipynb)?$/, '.html'));
  if (target === file) {
    throw new SetupError(`Export: --output must not be the notebook itself, got ${target}.`, USAGE);
  }
  if (!/\.html?$/i.test(target)) {
    throw new SetupError(`Export: --output must be the name of an .html file, got ${target}.`, USAGE);
  }
  const { charts, bytes } = await exportNotebook(projectAt(), file, target);
  console.log(
    `${target}\n${charts} live ${charts === 1 ? 'chart' : 'charts'}, ${(bytes / 1e6).toFixed(1)} MB`,
  );
}

endProgramsOnSignal();
try {
  await main();
} catch (error) {
  console.error(explain(error).message);
  process.exitCode = 1;
}
