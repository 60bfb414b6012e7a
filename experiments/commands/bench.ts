/** npm run bench -- NAME: measurements of speed, kept apart from the tests. */
import { benchTraining } from '../bench/training.js';

const BENCHES: Readonly<Record<string, (args: string[]) => void | Promise<void>>> = {
  training: benchTraining,
  // Loaded by name, so that each bench loads what it measures and no more.
  'inference-2b4t': async (args) => (await import('../inference-2b4t/experiment.js')).benchInference(args),
  export: async (args) => (await import('../bench/export.js')).benchExport(args),
  sweep: async () => (await import('../bench/sweep.js')).benchSweep(),
  coverage: async (args) => (await import('../bench/coverage.js')).benchCoverage(args),
  ray: async (args) => (await import('../ray/bench/ray.js')).benchRay(args),
  'frontier-times': async (args) => (await import('../frontier/bench-times.js')).benchFrontierTimes(args),
  shapes: async (args) => (await import('../shapes/experiment.js')).benchShapes(args),
};

const name = process.argv[2];
if (name === undefined || !Object.hasOwn(BENCHES, name)) {
  console.error(`Usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')}`);
  process.exitCode = 1;
} else {
  await BENCHES[name](process.argv.slice(3));
}
