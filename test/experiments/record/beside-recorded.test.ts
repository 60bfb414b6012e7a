import { describe, expect, it } from 'vitest';
import { besideRecorded, figureBesideRecorded } from '../../../experiments/record/beside-recorded.js';
import { armCurves, differenceFigure } from '../../../experiments/quantization-ablation/figures.js';
import { armResults } from '../../../experiments/quantization-ablation/results.js';
import { quantizationAblation } from '../../../experiments/quantization-ablation/experiment.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { byVersion, tableByVersion } from '../../../experiments/sweep/versions.js';
import { toSvg } from '../../../lib/index.js';
import { finishedWith } from '../quantization-ablation/made-up-losses.js';

const recorded = finishedWith({ 'norm-preln': 0.05 }, 'laptop');
const versions = { node: 'v20', project: '0.9.0', packages: { '@tensorflow/tfjs': '4.22.0' } };
const some = recorded.filter(({ arm }) => ['b1.58', 'full-precision', 'norm-preln'].includes(arm));
const own = some.map((run): FinishedRun => ({ ...run, versions }));
const mark = 'yours, version 0.9.0 (Node.js v20, TensorFlow.js 4.22.0)';

describe('runs of another version', () => {
  it('are not averaged with others', () => {
    const mixed = recorded.map((run) =>
      run.arm === 'b1.58' && run.role === 'final' ? { ...run, versions } : run,
    );
    expect(() => armResults(mixed)).toThrow('all runs must be made by one version');
  });

  it('stand in a table of their own, marked, whatever made their tuning runs', () => {
    const finals = own.filter(({ role }) => role === 'final');
    const tables = tableByVersion(quantizationAblation, [...recorded, ...finals]).join('\n');
    expect(tables).toContain('Runs of a version that was not kept:');
    expect(tables).toContain('Runs of version 0.9.0 (Node.js v20, TensorFlow.js 4.22.0):');
    expect(tables.match(/^\| norm-preln /gm)).toHaveLength(2);
    expect(byVersion([...recorded, ...finals]).map(({ runs }) => armResults(runs).length)).toEqual([
      armResults(recorded).length,
      3,
    ]);
    expect(tableByVersion(quantizationAblation, recorded)).toEqual(quantizationAblation.table(recorded));
  });

  it('stand as rows beside the recorded ones', () => {
    const rows = besideRecorded(recorded, own, armResults);
    expect(rows.filter(({ value }) => value.arm === 'norm-preln').map(({ from }) => from)).toEqual([
      'recorded',
      mark,
    ]);
    expect(besideRecorded(recorded, some, armResults).at(-1)?.from).toBe('yours');
  });

  it('are drawn into the recorded chart, marked', () => {
    for (const draw of [
      (runs: readonly FinishedRun[]) => differenceFigure(armResults(runs), { title: 'Changes' }),
      (runs: readonly FinishedRun[]) =>
        armCurves(
          armResults(runs).filter(({ arm }) => arm === 'b1.58'),
          'b1.58',
        ),
    ]) {
      const figure = figureBesideRecorded(recorded, own, draw);
      expect(figure.traces.length).toBeGreaterThan(draw(recorded).traces.length);
      expect(figure.traces.filter(({ name }) => name.includes(mark)).length).toBeGreaterThan(0);
      expect(toSvg(figure)).toContain('yours, version 0.9.0');
    }
  });
});
