import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneRoot } from '../../scripts/setup/project.js';
import { exportNotebook } from '../export-notebook.js';
import { projectFolder } from './project-folder.js';

const NOTEBOOK = join(cloneRoot, 'notebooks', '0-bitlinear.ipynb');
const PLOTLY = 'application/vnd.plotly.v1+json';

interface Cell {
  outputs?: { data?: Record<string, unknown> }[];
}

describe('npm run export', () => {
  test('makes one page with every chart that asks nothing of the network', { timeout: 300_000 }, () => {
    const file = join(projectFolder().root, 'page.html');
    const { code, said } = exportNotebook(NOTEBOOK, file);
    expect(code, said).toBe(0);
    const page = readFileSync(file, 'utf8');

    const { cells } = JSON.parse(readFileSync(NOTEBOOK, 'utf8')) as { cells: Cell[] };
    const charts = cells.flatMap(({ outputs }) => outputs ?? []).filter(({ data }) => data?.[PLOTLY]);
    expect(charts.length).toBeGreaterThan(0);
    expect(said).toContain(`${charts.length} `);

    // What a browser fetches by itself. Links that a reader may click are no such thing, and scripts are not read here.
    const markup = page.replaceAll(/<script\b[^>]*>[\s\S]*?<\/script>/g, (script) => script.split('>', 1)[0]);
    expect(
      markup.match(/<(?:script|img|iframe|source|video|audio)\b[^>]*\ssrc="(?!data:)[^"]*/g) ?? [],
    ).toEqual([]);
    expect(markup.match(/<link\b[^>]*\shref="(?!data:)[^"]*/g) ?? []).toEqual([]);
    expect(markup.match(/url\(["']?https?:[^)]*|@import[^;]*/g) ?? []).toEqual([]);
    // Formulas are MathML, not a script's work.
    expect(markup).toContain('<math');
    expect(page).not.toContain(cloneRoot);
    // Where the reader's system is dark, a later rule makes the page dark; the charts have no ground of their own.
    const dark = page.indexOf('<style media="(prefers-color-scheme: dark)"');
    const light = page.search(/--jp-layout-color0: (?:white|#fff)/);
    expect(light).toBeGreaterThan(0);
    expect(dark).toBeGreaterThan(light);
    expect(page.slice(dark, page.indexOf('</style>', dark))).toContain('--jp-layout-color0: #111;');
  });

  test('says which file is no notebook, and how it is used', () => {
    const { code, said } = exportNotebook(
      join(cloneRoot, 'package.json'),
      join(projectFolder().root, 'page.html'),
    );
    expect(code).not.toBe(0);
    expect(said).toMatch(/package\.json must be a notebook, but holds no cells/);
    expect(said).toContain('npm run export -- notebooks/NAME.ipynb');
  });
});
