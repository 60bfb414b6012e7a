/**
 * npm run bench -- frontier-times: one token through all layers of the frontier's text shapes, with ternary and with fp16 weights
 * that take turns on one kernel. Models this small lie in the processor's cache: what is measured is not the speed of memory.
 */
import { parseArgs } from 'node:util';
import { measureShape } from '@bitnet-notebooks/lib';
import { measuredHere, writeMeasured } from '../record/measured.js';
import { sizedModel } from '../sweep/sized-model.js';
import { frontierArm } from './arms.js';
import { FRONTIER_TIMES, type KernelTime } from './kernel-times.js';
import { frontierPlans } from './plan.js';
import { asShape } from './results.js';

/** Rounds of three measurements; the best counts, since other programs can only slow a machine down. */
const ROUNDS = 25;

/** Measures every shape in both forms, and prints. `--record` keeps the figures for notebook 3b. */
export async function benchFrontierTimes(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { record: { type: 'boolean', default: false } } });
  const plan = frontierPlans('full').find(({ name }) => name === 'text')!;
  const measurements: KernelTime[] = [];
  for (const shape of plan.shapes) {
    const model = asShape(sizedModel(plan, shape, frontierArm('b1.58')));
    const measured = await measureShape(model, ['ternary', 'fp16'], { rounds: ROUNDS });
    for (const one of measured) {
      console.log(
        `${one.shape.padEnd(6)} ${one.form.padEnd(8)} ${(1000 * one.layersMs).toFixed(1).padStart(8)} µs layers, ` +
          `${(1000 * one.headMs).toFixed(1)} µs head`,
      );
    }
    measurements.push(
      ...measured.map(({ shape, form, kernel, threads, layersMs, headMs }) => ({
        shape,
        form,
        kernel,
        threads,
        layersMs,
        headMs,
      })),
    );
  }
  if (values.record) await writeMeasured(FRONTIER_TIMES, measuredHere(FRONTIER_TIMES, measurements));
}
