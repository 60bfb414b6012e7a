/**
 * Sweeps on a real Ray: a head and its nodes on this machine, each in a network of its own where that works. Needs an
 * environment that has Ray, named by BITNET_RAY; .ci/run makes one.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sleepingSweep } from '../../../experiments/ray/bench/ray.js';
import { RayCluster } from '../../../experiments/ray/bench/ray-cluster.js';
import { RayEngine } from '../../../experiments/ray/engine.js';
import { JobsClient, type RayJob } from '../../../experiments/ray/jobs-client.js';
import { machineOf } from '../../../experiments/ray/outcome.js';
import { runId } from '../../../experiments/sweep/run-spec.js';
import { ended, startSource } from '../../source-process.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyRun } from '../toy-experiment.js';
import { LONG_STEPS } from './driver.js';

const ray = process.env.BITNET_RAY;
if (!ray)
  console.log('Sweeps on a real Ray are not tested: set BITNET_RAY to an environment with ray[default].');

/** Only a hang is cut off: shared machines may be ten times slower than a laptop. */
const LONG_MS = 900_000;

/** This cluster lets nobody in without it; the one of the many runs below lets everybody in. */
const TOKEN = 'a-token-that-only-this-test-knows';

let cluster: RayCluster;
let client: JobsClient;

interface Driver {
  process: ChildProcess;
  lines: string[];
  end: Promise<{ code: number | null }>;
}

function startDriver(...args: string[]): Driver {
  const driver = startSource('test/experiments/ray/driver.ts', args);
  const lines: string[] = [];
  driver.stdout!.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  return { process: driver, lines, end: ended(driver) };
}

/** Waits until a look at the cluster shows something. */
async function until<T>(look: () => Promise<T | undefined>, driver: Driver): Promise<T> {
  const ending = driver.end.then(({ code }) => {
    throw new Error(`the driver must still run, got end with code ${code}:\n${driver.lines.join('\n')}`);
  });
  const looking = async (): Promise<T> => {
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(100);
    }
  };
  return Promise.race([looking(), ending]);
}

async function runningOn(node?: number): Promise<RayJob | undefined> {
  const jobs = await client.list();
  return jobs.find(
    (job) => job.status === 'RUNNING' && (node === undefined || machineOf(job) === cluster.ip(node)),
  );
}

function isUnderWay({ status }: RayJob): boolean {
  return status === 'RUNNING' || status === 'PENDING';
}

/** All but the times. */
function timeless(text: string): string {
  return text.replace(/"(seconds|tokensPerSecond)":\s*[\d.e+-]+/g, '"$1":0');
}

async function timelessMetrics(folder: string): Promise<Record<string, string>> {
  const metrics: Record<string, string> = {};
  for (const id of (await readdir(folder)).sort()) {
    metrics[id] = timeless(await readFile(join(folder, id, 'metrics.jsonl'), 'utf8'));
  }
  return metrics;
}

describe.skipIf(!ray)('a sweep on a real Ray, with token authentication', () => {
  beforeAll(async () => {
    vi.stubEnv('RAY_AUTH_TOKEN', TOKEN);
    cluster = await RayCluster.start({ ray: ray!, env: { RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: TOKEN } });
    client = new JobsClient(cluster.address);
    await cluster.addNode();
    await cluster.addNode();
    // A machine that nobody has set up.
    await cluster.addNode({ BITNET_NOTEBOOKS: '/nowhere' });
  }, LONG_MS);

  afterAll(async () => {
    client?.close();
    await cluster?.stop();
    vi.unstubAllEnvs();
  });

  it('lets in who has its token, from the environment or from a file, and says what is wrong otherwise', async () => {
    const folder = await temporaryFolder();
    const identity = { commit: '', lock: '', code: '', node: '', backend: '' };
    const connect = async (env: Record<string, string>): Promise<void> => {
      // Whoever runs this may have a token at home.
      const all = { HOME: folder, RAY_AUTH_TOKEN: '', RAY_AUTH_TOKEN_PATH: '', ...env };
      for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
      const engine = await RayEngine.connect(cluster.address, identity);
      expect(engine.slots).toBe(3);
      await engine.close();
    };
    const home = process.env.HOME!;
    onTestFinished(() => {
      vi.stubEnv('RAY_AUTH_TOKEN_PATH', '');
      vi.stubEnv('RAY_AUTH_TOKEN', TOKEN);
      vi.stubEnv('HOME', home);
    });
    await connect({ RAY_AUTH_TOKEN: TOKEN });
    await writeFile(join(folder, 'token'), `${TOKEN}\n`);
    await connect({ RAY_AUTH_TOKEN_PATH: join(folder, 'token') });
    await expect(connect({})).rejects.toThrow(
      /must let this command in, got status 401 without a token\. Set RAY_AUTH_TOKEN/,
    );
    await expect(connect({ RAY_AUTH_TOKEN: 'wrong' })).rejects.toThrow(
      /must let this command in, got status 403 for the token\. Set RAY_AUTH_TOKEN/,
    );
    await expect(connect({ RAY_AUTH_TOKEN_PATH: join(folder, 'nowhere') })).rejects.toThrow(
      /RAY_AUTH_TOKEN_PATH must name a file that holds the token, got none at .*nowhere/,
    );
    await mkdir(join(folder, '.ray'));
    await writeFile(join(folder, '.ray', 'auth_token'), TOKEN);
    await connect({});
  });

  it(
    'ends with the results of the local engine to the last bit, though a node and the driver are killed on the way',
    async () => {
      const results = await temporaryFolder();
      const local = await temporaryFolder();
      const alone = startDriver('local', local, join(results, 'local.json'));
      expect((await alone.end).code).toBe(0);

      const folder = await temporaryFolder();
      const first = startDriver(cluster.address, folder, join(results, 'ray.json'));
      await until(() => runningOn(2), first);
      cluster.kill(2);
      const lost = `${cluster.ip(2)} was lost: `;
      await until(async () => (first.lines.join('\n').includes(lost) ? runningOn(1) : undefined), first);
      first.process.kill('SIGKILL');
      await first.end;
      expect((await client.list()).filter(isUnderWay).length).toBeGreaterThan(0);

      const second = startDriver(cluster.address, folder, join(results, 'ray.json'));
      const { code } = await second.end;
      expect(code, second.lines.join('\n')).toBe(0);

      expect(timeless(await readFile(join(results, 'ray.json'), 'utf8'))).toBe(
        timeless(await readFile(join(results, 'local.json'), 'utf8')),
      );
      expect(await timelessMetrics(folder)).toEqual(await timelessMetrics(local));
      // None was doubled, and each was taken off the list once its results were home, but for those that the first driver
      // had just brought home when it was killed.
      const left = await client.list();
      expect(left.filter(isUnderWay)).toEqual([]);
      const broughtHome = first.lines.filter((line) => / finished\s*$/.test(line)).length;
      expect(left.length).toBeLessThanOrEqual(broughtHome);
      const said = [...first.lines, ...second.lines].join('\n');
      expect(said).toMatch(/refuses runs: it must have a compiled clone in \/nowhere, got none/);
    },
    LONG_MS,
  );

  it(
    'goes on from the checkpoint in a shared folder on another node',
    async () => {
      const node = await cluster.addNode();
      const folder = await temporaryFolder();
      const run = join(folder, runId(toyRun('long', LONG_STEPS, 4e-3, 1)));
      const driver = startDriver(
        cluster.address,
        folder,
        join(await temporaryFolder(), 'results.json'),
        'shared',
      );
      const killed = await until(async () => {
        const job = await runningOn();
        return job && existsSync(join(run, 'checkpoint')) ? machineOf(job)! : undefined;
      }, driver);
      cluster.kill(killed === cluster.ip(1) ? 1 : node);
      await sleep(500);
      const before = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).split('\n');
      const { code } = await driver.end;
      expect(code, driver.lines.join('\n')).toBe(0);
      expect(driver.lines.join('\n')).toContain(`${killed} was lost: `);
      const after = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).split('\n');
      expect(before.length).toBeLessThan(LONG_STEPS);
      expect(after).toHaveLength(LONG_STEPS + 1);
      // The first ten steps were not made again: even their times are the same.
      expect(after.slice(0, 10)).toEqual(before.slice(0, 10));
    },
    LONG_MS,
  );
});

describe.skipIf(!ray)('many runs on a real Ray', () => {
  it(
    'are neither lost nor doubled where a node is killed on the way, and leave the memory alone',
    async () => {
      const { lost, doubled, jobs, growthBytes } = await sleepingSweep(ray!, 20);
      expect({ lost, doubled }).toEqual({ lost: 0, doubled: 0 });
      expect(jobs).toBeGreaterThanOrEqual(20);
      expect(growthBytes).toBeLessThan(100e6);
    },
    LONG_MS,
  );
});
