import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { normaliseNotebook } from '../scripts/notebooks/normalise.js';
import { MAX_NOTEBOOK_BYTES, runNotebook } from '../scripts/notebooks/run-notebook.js';
import { projectAt } from '../scripts/setup/project.js';

const project = projectAt();
const folder = mkdtempSync(join(tmpdir(), 'bitnet-notebooks-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** A notebook takes a minute at most on its smoke preset; a machine that does other things too takes longer. */
const NOTEBOOK_TIMEOUT_MS = 300_000;

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.ipynb`, import.meta.url));
const run = (source: string, name: string) =>
  runNotebook(project, { source, target: join(folder, name), preset: 'smoke' });

describe('runNotebook', () => {
  test(
    'runs every cell on the preset and keeps streams, the last frame of a display and charts',
    async () => {
      const outcome = await run(fixture('workbench'), 'workbench.ipynb');
      expect(outcome.failure).toBeUndefined();
      const written = readFileSync(join(folder, 'workbench.ipynb'), 'utf8');
      expect(normaliseNotebook(written, project.root)).toBe(written);
      const { cells } = JSON.parse(written) as {
        cells: { id: string; outputs?: { text?: string[]; data?: object }[] }[];
      };
      const outputs = Object.fromEntries(cells.map(({ id, outputs }) => [id, outputs]));
      expect(outputs.preset).toMatchObject([{ text: ['preset smoke\n'] }]);
      expect(outputs.lib).toMatchObject([{ text: ['true\n'] }]);
      expect(outputs.training).toMatchObject([
        { data: { 'image/svg+xml': [expect.stringContaining('step 40')] } },
      ]);
      expect(outputs.chart).toMatchObject([
        { data: { 'application/vnd.plotly.v1+json': { layout: { height: 300 } } } },
      ]);
      expect(outputs.last).toMatchObject([{ text: ['the end\n'] }]);
    },
    NOTEBOOK_TIMEOUT_MS,
  );

  test(
    'stops at a cell that fails and names it with what it said',
    async () => {
      const { failure } = await run(fixture('failing'), 'failing.ipynb');
      expect(failure).toMatch(/^cell 3: [\s\S]*Error: a fault on purpose/);
      expect(readFileSync(join(folder, 'failing.ipynb'), 'utf8')).not.toContain('"never reached\\n"');
    },
    NOTEBOOK_TIMEOUT_MS,
  );

  test(
    'stops at a cell whose types do not fit',
    async () => {
      const { failure } = await run(fixture('mistyped'), 'mistyped.ipynb');
      expect(failure).toBe("cell 1: 1:7 - Type 'string' is not assignable to type 'number'.");
    },
    NOTEBOOK_TIMEOUT_MS,
  );
});

const notebooks = readdirSync(project.notebooks).filter((name) => name.endsWith('.ipynb'));

describe.skipIf(notebooks.length === 0).each(notebooks)('notebooks/%s', (name) => {
  const source = join(project.notebooks, name);

  test('is committed in the form in which its diff can be read (npm run notebooks -- --tidy)', () => {
    const text = readFileSync(source, 'utf8');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_NOTEBOOK_BYTES);
    expect(text === normaliseNotebook(text, project.root)).toBe(true);
  });

  test('is what Jupyter writes when it is opened and saved', () => {
    const program =
      'import nbformat, sys; nbformat.write(nbformat.read(sys.argv[1], as_version=4), sys.stdout)';
    const written = execFileSync(project.python, ['-c', program, source], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    expect(written === readFileSync(source, 'utf8')).toBe(true);
  });

  test(
    'runs to its end on the smoke preset',
    async () => {
      expect((await run(source, name)).failure).toBeUndefined();
    },
    NOTEBOOK_TIMEOUT_MS,
  );
});
