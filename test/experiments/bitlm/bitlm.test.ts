import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bitlmClaims } from '../../../experiments/bitlm/claims.js';
import { bitlm } from '../../../experiments/bitlm/experiment.js';
import { bitlmCurves } from '../../../experiments/bitlm/figures.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import { toSvg } from '../../../lib/index.js';
import { finishAll } from '../made-up-runs.js';

const verdicts = (losses: Record<string, number | null>): string[] =>
  bitlmClaims(finishAll(bitlm, 'full', ({ arm }: RunSpec) => (arm in losses ? losses[arm] : 1.7))).map(
    ({ verdict }) => verdict,
  );

describe('bitlmClaims', () => {
  it('come out either way', () => {
    expect(verdicts({})).toEqual(['agrees', 'agrees']);
    expect(verdicts({ 'a-ternary': 2, embedded: 2.6 })).toEqual(['disagrees', 'disagrees']);
  });

  it('leave out what has no run yet, and fail with a model that diverged', () => {
    expect(bitlmClaims([])).toEqual([]);
    expect(verdicts({ embedded: null })).toEqual(['agrees', 'disagrees']);
  });
});

it('shows the recorded runs: a table of three models and their curves', async () => {
  const { runs } = await readRecorded('bitlm');
  expect(bitlm.table(runs)).toHaveLength(2 + 3);
  expect(toSvg(bitlmCurves(runs))).toContain('embedded');
});

it('is where data/README says that the embedded model comes from', async () => {
  const { runs } = await readRecorded('bitlm');
  const { id } = runs.find(({ arm }) => arm === 'embedded')!;
  const readme = await readFile(new URL('../../../data/README.md', import.meta.url), 'utf8');
  expect(bitlm.runs('full', []).map(runId)).toContain(id);
  expect(readme).toContain(`experiments/runs/${id}/checkpoint`);
});
