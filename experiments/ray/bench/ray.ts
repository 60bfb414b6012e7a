/**
 * npm run bench -- ray [RUNS]: what the driver and the head of a Ray cluster do with many runs. The runs only sleep; a
 * node is killed on the way. Needs BITNET_RAY, an environment with ray[default].
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationA } from '../../sweep/configurations.js';
import type { Identity } from '../identity.js';
import { RayEngine } from '../engine.js';
import type { Experiment } from '../../sweep/experiment.js';
import { runId, type RunSpec } from '../../sweep/run-spec.js';
import { sweep } from '../../sweep/sweep.js';
import { RayCluster } from './ray-cluster.js';

const RUNS = 200;
/** Steps of 10 ms. */
const STEPS = 200;
/** Sleeping needs no core: more jobs at once than this machine has cores. */
const CPUS_A_NODE = 4;

/** What came of the runs. */
export interface RayFigures {
  runs: number;
  seconds: number;
  /** Runs without a folder at the end. */
  lost: number;
  /** Runs that ended more often than machines were lost with them. */
  doubled: number;
  /** Jobs that began. */
  jobs: number;
  /** Growth of the driver's memory from the first finished run to its largest. */
  growthBytes: number;
  requests: number;
  bytesReceived: number;
  bytesSent: number;
  headSeconds: number;
  driverSeconds: number;
}

/** Prints the figures; the command line gives how many runs. */
export async function benchRay(args: string[]): Promise<void> {
  const ray = process.env.BITNET_RAY;
  if (!ray) throw new Error('bench ray: BITNET_RAY must name an environment with ray[default], got nothing.');
  const runs = args[0] === undefined ? RUNS : Number(args[0]);
  const figures = await sleepingSweep(ray, runs, (done) => {
    if (done % 10 === 0) console.log(`${done} of ${runs} runs done`);
  });
  const { seconds, lost, doubled, jobs, growthBytes, requests, bytesReceived, headSeconds, driverSeconds } =
    figures;
  const perRun = (value: number): string => (value / runs).toFixed(2);
  console.log(
    `${runs} sleeping runs of ${STEPS / 100} s, two nodes of ${CPUS_A_NODE} CPUs, one killed on the way; ` +
      `${availableParallelism()} cores, ${seconds.toFixed(0)} s\n` +
      `lost ${lost}, doubled ${doubled}, jobs ${jobs}\n` +
      `driver: ${(growthBytes / 1e6).toFixed(1)} MB more memory, ${perRun(driverSeconds)} CPU seconds a run\n` +
      `head: ${perRun(headSeconds)} CPU seconds a run\n` +
      `traffic: ${perRun(requests)} requests and ${perRun(bytesReceived / 1000)} kB a run`,
  );
  if (lost > 0 || doubled > 0) process.exitCode = 1;
}

/** Runs a sweep of made-up runs on a cluster of its own, kills a node once a quarter is done, and counts. */
export async function sleepingSweep(
  ray: string,
  runs: number,
  onDone: (done: number) => void = () => {},
): Promise<RayFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'bitnet-sleeping-'));
  const mark = join(folder, 'mark');
  writeFileSync(mark, '');
  const env = { BITNET_SLEEPING_MARK: mark };
  const cluster = await RayCluster.start({ ray, cpus: CPUS_A_NODE, env });
  try {
    await cluster.addNode();
    const second = await cluster.addNode();
    const specs = Array.from({ length: runs }, (_, seed) => sleepingRun(seed));
    const driver: Identity = { commit: '', lock: '', code: '', node: '', backend: '' };
    const engine = await RayEngine.connect(cluster.address, driver, {
      program: 'experiments/dist/ray/bench/sleeping-run.js',
    });
    const started = performance.now();
    const headBefore = cpuSeconds(cluster.processes(0));
    const cpuBefore = process.cpuUsage();
    const home = join(folder, 'runs');
    const { losses, growthBytes } = await sweepAndKill(specs, engine, home, (done) => {
      onDone(done);
      if (done === Math.ceil(runs / 4)) cluster.kill(second);
    });
    const { user, system } = process.cpuUsage(cpuBefore);
    const { requests, bytesReceived, bytesSent } = engine.client.traffic;
    await engine.close();
    return {
      runs,
      seconds: (performance.now() - started) / 1000,
      ...countRuns(specs, home, readFileSync(mark, 'utf8'), losses),
      growthBytes,
      requests,
      bytesReceived,
      bytesSent,
      headSeconds: cpuSeconds(cluster.processes(0)) - headBefore,
      driverSeconds: (user + system) / 1e6,
    };
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the jobs that went with their machine, by run, and how far the driver's memory grew */
async function sweepAndKill(
  specs: RunSpec[],
  engine: RayEngine,
  folder: string,
  onDone: (done: number) => void,
): Promise<{ losses: Map<string, number>; growthBytes: number }> {
  const experiment: Experiment = { name: 'sleeping', title: '', runs: () => specs, table: () => [] };
  const losses = new Map<string, number>();
  let done = 0;
  let base: number | undefined;
  let most = 0;
  for await (const event of sweep(experiment, 'smoke', { engine, folder })) {
    const { name } = event.spec;
    if (event.kind === 'progress' && event.progress.note?.includes('was lost')) {
      losses.set(name, (losses.get(name) ?? 0) + 1);
    }
    if (event.kind !== 'finished') continue;
    base ??= process.memoryUsage().rss;
    most = Math.max(most, process.memoryUsage().rss);
    onDone(++done);
  }
  return { losses, growthBytes: most - (base ?? most) };
}

/** @param marks what the runs wrote: a line when one begins, and `end NAME` when it ends */
function countRuns(
  specs: readonly RunSpec[],
  home: string,
  marks: string,
  losses: ReadonlyMap<string, number>,
): Pick<RayFigures, 'lost' | 'doubled' | 'jobs'> {
  const lines = marks.trim().split('\n');
  const ends = lines.filter((line) => line.startsWith('end ')).map((line) => line.split(' ')[1]);
  const endsOf = (name: string): number => ends.filter((end) => end === name).length;
  const there = new Set(readdirSync(home));
  return {
    lost: specs.filter((spec) => !there.has(runId(spec))).length,
    // A node may die between a run's end and the reading of its log: that run must be made again.
    doubled: specs
      .map(({ name }) => Math.max(0, endsOf(name) - 1 - (losses.get(name) ?? 0)))
      .reduce((sum, more) => sum + more, 0),
    jobs: lines.length - ends.length,
  };
}

function sleepingRun(seed: number): RunSpec {
  return {
    name: `sleeping${seed}`,
    arm: 'sleeping',
    role: 'final',
    corpus: { name: 'zipf-facts', vocabSize: 16 },
    model: configurationA(true),
    training: {
      steps: STEPS,
      batch: 1,
      context: 1,
      schedule: { kind: 'cosine', peak: 1, minimum: 0, warmupSteps: 0, totalSteps: STEPS, weightDecay: 0 },
      evaluateEvery: STEPS,
      validationWindows: 1,
      seeds: { weights: seed, batches: seed },
    },
  };
}

/** CPU time of processes so far; Linux counts it in hundredths of a second. */
function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // Ended in between.
    }
  }
  return ticks / 100;
}
