/** BitNet's Table 3 (arXiv 2310.11453) with our models in it: quantized after training, and trained with few bits. */
import { mean, meanInterval, pairedDifference, type Estimate } from '@bitnet-notebooks/lib';
import { bySeed, commonSeeds } from '../sweep/by-seed.js';
import {
  precisionOf,
  TABLE_3_MODELS,
  TABLE_3_ROWS,
  table3Name,
  type Table3Row,
} from '../sweep/evaluations/table-3.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { groupBy } from '../sweep/group-by.js';
import { shapeOf } from '../sweep/sized-model.js';
import type { CorpusFrontier } from './results.js';

export type Table3Model = (typeof TABLE_3_MODELS)[number];

/** One row for one kind of model. */
export interface Table3Cell extends Table3Row {
  /** Test loss over the seeds, nats per token. */
  loss: Estimate;
  /** What quantizing cost each seed: its loss − that of the same model unquantized. */
  costs: number[];
}

/** The table at one shape. */
export interface Table3 {
  shape: string;
  parameters: number;
  seeds: number[];
  /** By kind of model: the rows, and the unquantized loss. */
  models: Record<Table3Model, { unquantized: Estimate; cells: Table3Cell[] }>;
  /** Kurtosis of what enters the products, by site, the mean over layers and seeds: 3 for normal values. */
  kurtosis: { site: string; natural: number; outliers: number }[];
  /** Trained with few bits: loss − full precision, by seed; undefined where those runs are missing. */
  trainedCosts: Partial<Record<'b1' | 'b1.58', number[]>>;
}

/** The table at every shape that it was made at, ascending. Runs that diverged left no model to quantize. */
export function table3Of({ runs }: CorpusFrontier): Table3[] {
  const full = runs.filter(
    ({ arm, evaluations, validationLoss }) =>
      arm === 'full-precision' && evaluations?.includes('table-3') && validationLoss !== null,
  );
  return [...groupBy(full, shapeOf)]
    .map(([shape, own]) => tableAt(shape, own, runs))
    .toSorted((a, b) => a.parameters - b.parameters);
}

function tableAt(shape: string, full: readonly FinishedRun[], all: readonly FinishedRun[]): Table3 {
  const seeds = commonSeeds([bySeed(full)]);
  const runs = seeds.map((seed) => bySeed(full).get(seed)!);
  const measured = (name: string): number[] => runs.map((run) => valueOf(run, name));
  const models = Object.fromEntries(
    TABLE_3_MODELS.map((kind) => {
      const unquantized = measured(`table-3 ${kind} W16A16`);
      const cells = TABLE_3_ROWS.map((row): Table3Cell => {
        const losses = measured(table3Name(kind, row));
        return { ...row, loss: meanInterval(losses), costs: losses.map((loss, i) => loss - unquantized[i]) };
      });
      return [kind, { unquantized: meanInterval(unquantized), cells }];
    }),
  ) as Table3['models'];
  const trained = (arm: string): number[] => {
    const own = bySeed(all.filter((run) => run.arm === arm && shapeOf(run) === shape));
    return runs.flatMap((run, i) => {
      const other = own.get(seeds[i]);
      return other ? [(other.test?.loss ?? Infinity) - run.test!.loss] : [];
    });
  };
  const trainedCosts = Object.fromEntries(
    (['b1', 'b1.58'] as const).flatMap((arm) => {
      const costs = trained(arm);
      return costs.length === seeds.length ? [[arm, costs]] : [];
    }),
  );
  return { shape, parameters: runs[0].parameters, seeds, models, kurtosis: kurtosisOf(runs), trainedCosts };
}

function kurtosisOf(runs: readonly FinishedRun[]): Table3['kurtosis'] {
  const sites = ['self_attn.input', 'self_attn.output', 'mlp.input', 'mlp.output'];
  return sites.map((site) => {
    const meanOf = (kind: Table3Model): number => {
      const values = runs.flatMap(({ measured = {} }) =>
        Object.entries(measured).flatMap(([name, value]) =>
          name.startsWith(`kurtosis ${kind} `) && name.endsWith(`.${site}`) ? [value] : [],
        ),
      );
      return mean(values);
    };
    return { site, natural: meanOf('natural'), outliers: meanOf('outliers') };
  });
}

function valueOf(run: FinishedRun, name: string): number {
  const value = run.measured?.[name];
  if (value !== undefined) return value;
  throw new Error(
    `table 3: run ${run.name} must have measured ${name}, and has not. ` +
      'Make it: npm run experiment -- frontier --preset full --record',
  );
}

/** A row of the table. @throws Error that names the rows there are */
export function table3Cell(
  { models }: Table3,
  kind: Table3Model,
  precision: string,
  method: string,
): Table3Cell {
  const nameOf = (row: Table3Row): string => `${precisionOf(row)} ${row.method}`;
  const found = models[kind].cells.find((cell) => nameOf(cell) === `${precision} ${method}`);
  if (found) return found;
  throw new Error(
    `table 3: a row must be one of ${TABLE_3_ROWS.map(nameOf).join(', ')}, got ${precision} ${method}.`,
  );
}

/** The row of a precision with the lowest loss, whatever its method: the fairest opponent, chosen after looking. */
export function bestCell({ models }: Table3, kind: Table3Model, precision: string): Table3Cell {
  const cells = models[kind].cells.filter((cell) => precisionOf(cell) === precision);
  return cells.toSorted((a, b) => a.loss.value - b.loss.value)[0];
}

/** What one row costs more than another, seed by seed. */
export function costDifference(one: Pick<Table3Cell, 'costs'>, other: Pick<Table3Cell, 'costs'>): Estimate {
  return pairedDifference(one.costs, other.costs);
}
