import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PlotlyFigure } from '../../lib/plots/draw/plotly.js';
import { cloneRoot } from '../../scripts/setup/project.js';
import { plotlyFaults } from './draw/plotly-validate.js';

interface Output {
  data?: Record<string, unknown>;
}

const folder = join(cloneRoot, 'notebooks');
const names = readdirSync(folder).filter((name) => name.endsWith('.ipynb'));

describe.skipIf(names.length === 0).each(names)('the figures of notebooks/%s', (name) => {
  const { cells } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
    cells: { outputs?: Output[] }[];
  };
  const bundles = cells
    .flatMap(({ outputs }) => outputs ?? [])
    .flatMap(({ data }) => (data?.['application/vnd.plotly.v1+json'] ? [data] : []));

  it('pass Plotly.validate, and each has its picture and its description', () => {
    expect(bundles.length).toBeGreaterThan(0);
    for (const bundle of bundles) {
      const figure = bundle['application/vnd.plotly.v1+json'] as PlotlyFigure;
      // Of the traces that sliders hide the validator says that plotly leaves them unread.
      const faults = plotlyFaults(figure).filter(
        ({ code }) => !figure.layout['sliders'] || code === 'schema',
      );
      expect(faults).toEqual([]);
      expect(String(bundle['image/svg+xml'])).toContain('<svg');
      expect(String(bundle['text/plain']).length).toBeGreaterThan(0);
    }
  });
});
