/** What notebook 3a shows as tables, a row each. */
import { interval, meanInterval, type Estimate } from '@bitnet-notebooks/lib';
import { B1_TABLE_3 } from '../shapes/paper-tables.js';
import { atEqualBytes, atEqualShape, type RateCosts } from './compare.js';
import type { CorpusFrontier } from './results.js';
import { table3Cell, type Table3 } from './table-3.js';

/** Every form of one shape with its bytes and loss; of what is rounded after training, GPTQ's alone. */
export function fileRows(
  { points }: CorpusFrontier,
  shape: string,
): { form: string; bytes: number; loss: Estimate }[] {
  return points
    .filter((point) => point.shape === shape && !point.form.name.includes('nearest'))
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ form, bytes, loss }) => ({ form: form.label, bytes: Math.round(bytes), loss }));
}

/** Forms beside others of as many bytes: the mean over the sizes that have neighbours among the other's; pairs without are left out. */
export function equalBytesRows(
  frontier: CorpusFrontier,
  forms: readonly string[],
  others: readonly string[],
  costs: RateCosts,
): { form: string; other: string; sizes: number; difference: Estimate }[] {
  return others.flatMap((other) =>
    forms.flatMap((form) => {
      const found = atEqualBytes(frontier, [form, other], costs);
      return found ? [{ form, other, sizes: found.points.length, difference: interval(found.contrast) }] : [];
    }),
  );
}

/** Forms beside others at one shape, each difference with its interval; pairs that have no runs are left out. */
export function equalShapeRows(
  frontier: CorpusFrontier,
  forms: readonly string[],
  others: readonly string[],
  { shape, costs }: { shape: string; costs: RateCosts },
): { form: string; other: string; difference: Estimate }[] {
  return others.flatMap((other) =>
    forms.flatMap((form) => {
      const found = atEqualShape(frontier, [form, other], shape, costs);
      return found ? [{ form, other, difference: interval(found.contrast) }] : [];
    }),
  );
}

/** BitNet's Table 3: what each row costs our models, as trained and with made outliers, and what it cost the paper's. */
export function table3Rows(
  table: Table3,
): { precision: string; method: string; natural: Estimate; outliers: Estimate; paper: number | undefined }[] {
  const unquantized = B1_TABLE_3.find(({ bits }) => bits === 16)!.perplexity;
  return table.models.natural.cells.map(({ weights, activations, method, costs }) => {
    const precision = `W${weights}A${activations}`;
    // The paper's rows by absmax and SmoothQuant round activations too; those by GPTQ and QuIP do not.
    const named = method === 'rotation-gptq-absmean' ? 'quip' : method;
    const printed = B1_TABLE_3.find(
      (row) =>
        row.bits === weights &&
        row.method.toLowerCase() === named &&
        (activations === 16) === ['gptq', 'quip'].includes(named),
    );
    return {
      precision,
      method,
      natural: meanInterval(costs),
      outliers: meanInterval(table3Cell(table, 'outliers', precision, method).costs),
      paper: printed && Math.log(printed.perplexity / unquantized),
    };
  });
}
