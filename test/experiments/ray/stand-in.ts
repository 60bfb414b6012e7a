/** A stand-in for a Ray head: speaks the routes of its Jobs interface, and fails in the ways that tests ask for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { installedVersions, stableJson } from '../../../lib/runs/run-config.js';
import type { Identity } from '../../../experiments/ray/identity.js';
import type { JobRequest, RayJob } from '../../../experiments/ray/jobs-client.js';
import { markedFile, markedWord, sha256 } from '../../../experiments/ray/run-log.js';
import type { RunRequest } from '../../../experiments/ray/run-request.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { RunResult } from '../../../experiments/sweep/finished-run.js';
import { startServer, type LocalServer } from '../../local-server.js';

export const driver: Identity = {
  commit: 'c0ffee',
  lock: '10c4',
  code: 'c0de',
  node: process.version,
  backend: 'tensorflow 2.18.1, threads 1',
};

/** A job of the stand-in, with what it will do. */
export interface StandInJob extends RayJob {
  request: JobRequest;
  run: RunRequest;
  log: string;
}

/** What a job does; called each time the list is asked for. */
export type Behaviour = (job: StandInJob, looked: number) => void;

export class StandIn {
  readonly jobs = new Map<string, StandInJob>();
  /** Submission ids, in order, deleted ones too. */
  readonly submitted: string[] = [];
  readonly stopped: string[] = [];
  nodes = ['a', 'b'];
  behaviour: Behaviour = (job, looked) => (looked < 2 ? running(job) : succeed(job));
  /** What the cluster's clock says of a job: by default it lives in 1970, and time runs backwards. */
  clock = (): { start_time: number; end_time: number } => ({ start_time: 1000, end_time: 999 });
  /** Answers in the place of the routes, where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  url = '';
  server!: LocalServer;
  readonly #looked = new Map<string, number>();

  static async start(): Promise<StandIn> {
    const standIn = new StandIn();
    standIn.server = await startServer((request, response) => void standIn.#answer(request, response));
    standIn.url = standIn.server.url;
    return standIn;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    if (this.intercept(request, response)) return;
    // As Ray does.
    if (
      request.headers['sec-fetch-mode'] !== undefined ||
      request.headers['user-agent']?.includes('Mozilla')
    ) {
      return end(response, 405, `'${request.method}' method not allowed for browser traffic.`);
    }
    const path = new URL(request.url!, this.url).pathname;
    const id = /^\/api\/jobs\/([^/]+)/.exec(path)?.[1];
    const job = id === undefined ? undefined : this.jobs.get(id);
    if (path === '/api/version') return json(response, { version: '4', ray_version: '2.60.0' });
    if (path === '/api/v0/nodes') return json(response, { data: { result: { result: this.#nodeList() } } });
    if (path === '/api/jobs/' && request.method === 'POST')
      return this.#submit(JSON.parse(body) as JobRequest, response);
    if (path === '/api/jobs/') {
      for (const job of this.jobs.values()) this.#look(job);
      return json(response, [...this.jobs.values()]);
    }
    if (path === '/api/v0/logs/file') {
      const name = new URL(request.url!, this.url).searchParams.get('filename')!;
      const log = this.jobs.get(name.slice('job-driver-'.length, -'.log'.length))?.log ?? '';
      return end(response, 200, log.split('\n').slice(-5).join('\n'));
    }
    if (!job) return end(response, 404, `Job ${id} does not exist`);
    if (path.endsWith('/logs')) return json(response, { logs: job.log });
    if (path.endsWith('/stop')) {
      this.stopped.push(id!);
      job.status = 'STOPPED';
      return json(response, { stopped: true });
    }
    if (request.method === 'DELETE') this.jobs.delete(id!);
    return json(response, job);
  }

  #submit(request: JobRequest, response: ServerResponse): void {
    const { submission_id: id } = request;
    if (this.jobs.has(id)) {
      const words = `ValueError: Job with submission_id ${id} already exists. Please use a different submission_id.`;
      return end(response, 500, `Traceback (most recent call last):\n${words}\n.\n`);
    }
    this.submitted.push(id);
    const run = JSON.parse(request.runtime_env.env_vars.BITNET_RUN) as RunRequest;
    const job: StandInJob = {
      submission_id: id,
      status: 'PENDING',
      metadata: request.metadata,
      request,
      run,
      log: '',
    };
    this.jobs.set(id, Object.assign(job, this.clock()));
    json(response, { submission_id: id });
  }

  #look(job: StandInJob): void {
    const looked = this.#looked.get(job.submission_id) ?? 0;
    this.#looked.set(job.submission_id, looked + 1);
    if (job.status === 'PENDING' || job.status === 'RUNNING') this.behaviour(job, looked);
  }

  #nodeList(): object[] {
    const head = { node_id: 'head', node_ip: '10.0.0.1', state: 'ALIVE', resources_total: { memory: 1 } };
    const others = this.nodes.map((node_id, at) => ({
      node_id,
      node_ip: `10.0.0.${at + 2}`,
      state: 'ALIVE',
      resources_total: { CPU: 1 },
    }));
    return [head, ...others];
  }
}

/** Ray's choice: the first machine that the job's selector allows. */
export function place(job: StandInJob, nodes: readonly string[] = ['a', 'b']): void {
  const not = job.request.entrypoint_label_selector?.['ray.io/node-id'] ?? '';
  const excluded = /^!in\((.*)\)$/.exec(not)?.[1].split(',') ?? [];
  const node = nodes.find((one) => !excluded.includes(one));
  if (node === undefined) return;
  job.status = 'RUNNING';
  job.driver_node_id = node;
  job.driver_agent_http_address = `http://${node}.example:52365`;
}

export function running(job: StandInJob): void {
  if (job.status === 'PENDING') place(job);
  job.log = `Running entrypoint for job ${job.submission_id}\n${begin(job)}${points(1)}`;
}

export function succeed(job: StandInJob, result: RunResult = resultOf(job.run.spec)): void {
  if (job.status === 'PENDING') place(job);
  job.status = 'SUCCEEDED';
  job.driver_exit_code = 0;
  job.log = wholeLog(job, result);
}

export function fail(job: StandInJob, log: string, code = 1): void {
  if (job.status === 'PENDING') place(job);
  Object.assign(job, {
    status: 'FAILED',
    driver_exit_code: code,
    log,
    error_type: 'JOB_ENTRYPOINT_COMMAND_ERROR',
  });
}

export function loseMachine(job: StandInJob): void {
  const message = 'Job supervisor actor died: its node has died.\n\tmissing too many heartbeats';
  Object.assign(job, { status: 'FAILED', error_type: 'JOB_SUPERVISOR_ACTOR_DIED', message, log: '' });
}

export function begin(job: StandInJob): string {
  return markedWord('begin', { attempt: job.submission_id, host: 'a' });
}

/** Between the points stands what libraries print. */
function points(count: number): string {
  return Array.from({ length: count }, (_, i) => markedFile('metrics.jsonl', metricsLine(i + 1))).join(
    'I tensorflow: a word\n',
  );
}

function metricsLine(step: number): string {
  return `${stableJson({ step, trainLoss: 3 - step / 10, seconds: step })}\n`;
}

/** What the made-up runs come to: a loss that follows from the learning rate. */
export function resultOf(spec: RunSpec): RunResult {
  const validationLoss = Math.abs(Math.log(spec.training.schedule.peak / 4e-3));
  const backend = { name: 'tensorflow', version: '2.18.1', threads: 1 };
  const versions = installedVersions();
  return { validationLoss, validationTokens: 1, parameters: 1, curve: [], seconds: 3, backend, versions };
}

export function wholeLog(job: StandInJob, outcome: RunResult = resultOf(job.run.spec)): string {
  const config = '{\n  "format": "bitnet-notebooks-run"\n}\n';
  const result = `${JSON.stringify(outcome, undefined, 2)}\n`;
  const metrics = [1, 2, 3].map(metricsLine).join('');
  const files = {
    'config.json': sha256(config),
    'metrics.jsonl': sha256(metrics),
    'result.json': sha256(result),
  };
  return (
    `Running entrypoint for job ${job.submission_id}\n${begin(job)}${points(3)}` +
    markedFile('config.json', config) +
    markedFile('result.json', result) +
    markedWord('end', { files })
  );
}

function json(response: ServerResponse, content: unknown): void {
  end(response, 200, JSON.stringify(content));
}

export function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}
