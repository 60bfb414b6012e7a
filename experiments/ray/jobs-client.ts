/** Ray's Jobs REST interface, as far as a sweep needs it. */
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A job as Ray describes it. */
export interface RayJob {
  submission_id: string;
  status: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'STOPPED';
  message?: string | null;
  /** Why Ray itself ended the job, such as JOB_SUPERVISOR_ACTOR_DIED for a lost machine. */
  error_type?: string | null;
  metadata?: Record<string, string> | null;
  driver_node_id?: string | null;
  driver_agent_http_address?: string | null;
  driver_exit_code?: number | null;
}

/** What is submitted. */
export interface JobRequest {
  entrypoint: string;
  submission_id: string;
  entrypoint_num_cpus: number;
  metadata: Record<string, string>;
  runtime_env: { env_vars: Record<string, string> };
  entrypoint_label_selector?: Record<string, string>;
}

/** A machine of the cluster. */
export interface RayNode {
  node_id: string;
  node_ip: string;
  state: string;
  resources_total?: Record<string, number>;
}

/** The head could not be reached, or did not answer in time: it may be asked again. */
export class RayUnreachable extends Error {
  override readonly name = 'RayUnreachable';
}

/** The head answered that it could not do what was asked. */
export class RayFault extends Error {
  override readonly name = 'RayFault';
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** What came back, and how much traffic there was. */
export interface Traffic {
  requests: number;
  bytesSent: number;
  bytesReceived: number;
}

/** Answers that a proxy gives while what lies behind it is away. */
const AWAY = new Set([502, 503, 504]);

/** Milliseconds without a byte after which a request counts as lost. */
const SILENCE_MILLISECONDS = 30_000;

/** The dashboard at one address. */
export class JobsClient {
  readonly traffic: Traffic = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  readonly #base: URL;
  readonly #agent: http.Agent;
  readonly #token = authToken();

  /** @param address such as http://head:8265 */
  constructor(
    readonly address: string,
    readonly silenceMilliseconds: number = SILENCE_MILLISECONDS,
  ) {
    if (!URL.canParse(address) || !/^https?:\/\//.test(address)) {
      throw new Error(
        `ray engine: the address must be like http://HEAD:8265, got ${address}. It is the one of Ray's dashboard.`,
      );
    }
    this.#base = new URL(address);
    const { Agent } = this.#base.protocol === 'https:' ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8 });
  }

  /** Ray's version; proves that a Ray answers at the address and lets us in. */
  async version(): Promise<string> {
    const answer = await this.#json<{ ray_version?: unknown }>('GET', '/api/version');
    if (typeof answer?.ray_version !== 'string') throw this.#notRay('an answer without its version');
    return answer.ray_version;
  }

  /** All submitted jobs, of all drivers. */
  async list(): Promise<RayJob[]> {
    const jobs = await this.#json<(RayJob & { type?: string })[]>('GET', '/api/jobs/');
    if (!Array.isArray(jobs)) throw this.#notRay('no list of jobs');
    return jobs.filter(({ submission_id }) => typeof submission_id === 'string');
  }

  /** @returns undefined where there is no such job */
  get(id: string): Promise<RayJob | undefined> {
    return this.#json<RayJob>('GET', `/api/jobs/${id}`);
  }

  /** @returns false where a job has that id already */
  async submit(request: JobRequest): Promise<boolean> {
    try {
      await this.#json('POST', '/api/jobs/', request);
      return true;
    } catch (error) {
      if (error instanceof RayFault && error.message.includes('already exists')) return false;
      throw error;
    }
  }

  async stop(id: string): Promise<void> {
    await this.#json('POST', `/api/jobs/${id}/stop`);
  }

  /** Takes a job that has ended out of Ray's list. */
  async delete(id: string): Promise<void> {
    await this.#json('DELETE', `/api/jobs/${id}`);
  }

  /** Everything that a job has printed, from the machine that it runs on. */
  async logs(id: string): Promise<string> {
    return (await this.#json<{ logs: string }>('GET', `/api/jobs/${id}/logs`))?.logs ?? '';
  }

  /** The last lines that a job has printed: a small answer, however long its log is. */
  async lastLines(id: string, nodeId: string, lines: number): Promise<string> {
    const query = new URLSearchParams({
      node_id: nodeId,
      filename: `job-driver-${id}.log`,
      lines: `${lines}`,
    });
    return (await this.#text('GET', `/api/v0/logs/file?${query.toString()}`)) ?? '';
  }

  async nodes(): Promise<RayNode[]> {
    type Answer = { data?: { result?: { result?: RayNode[] } } };
    const answer = await this.#json<Answer>('GET', '/api/v0/nodes?limit=10000');
    return (answer?.data?.result?.result ?? []).filter(({ state }) => state === 'ALIVE');
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T | undefined> {
    const text = await this.#text(method, path, body);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#notRay(JSON.stringify(text.slice(0, 60)));
    }
  }

  /** @returns undefined for 404 */
  async #text(method: string, path: string, body?: object): Promise<string | undefined> {
    const { status, text } = await this.#request(method, path, body && JSON.stringify(body));
    if (status === 200) return text;
    if (status === 404) return undefined;
    if (AWAY.has(status)) throw new RayUnreachable(`${this.address} answered with status ${status}`);
    if (status === 401 || status === 403) {
      throw new Error(
        `ray engine: ${this.address} must let this command in, got status ${status}` +
          `${this.#token === undefined ? ' without a token' : ' for the token'}. ` +
          "Set RAY_AUTH_TOKEN, or the file ~/.ray/auth_token, to the cluster's token.",
      );
    }
    if (status === 405 || text.includes('browser traffic')) {
      throw new Error(
        `ray engine: ${this.address} must take requests that come from no browser, got ${JSON.stringify(text.slice(0, 80))}. ` +
          'A proxy on the way may be adding browser headers: give the address of the head itself.',
      );
    }
    throw new RayFault(lastLine(text), status);
  }

  /** node:http, since fetch sends headers by which Ray takes it for a browser. */
  #request(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const { traffic, address } = this;
    traffic.requests++;
    traffic.bytesSent += body?.length ?? 0;
    const headers: http.OutgoingHttpHeaders = {
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    };
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base);
    return new Promise((resolve, reject) => {
      const lost = (error: Error): void =>
        reject(new RayUnreachable(`${address} did not answer (${error.message})`));
      const { request: open } = url.protocol === 'https:' ? https : http;
      const request = open(url, { method, headers, agent: this.#agent }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => {
          traffic.bytesReceived += part.length;
          parts.push(part);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
        response.on('error', lost);
      });
      request.setTimeout(this.silenceMilliseconds, () =>
        request.destroy(new Error(`silent for ${this.silenceMilliseconds / 1000} s`)),
      );
      request.on('error', lost);
      request.end(body);
    });
  }

  #notRay(found: string): Error {
    return new Error(
      `ray engine: ${this.address} must be the dashboard of a Ray head, got ${found}. ` +
        '`ray start --head` prints the address; its port is 8265 unless set.',
    );
  }
}

/** Where Ray's own tools look for the token, in their order. */
function authToken(): string | undefined {
  const { RAY_AUTH_TOKEN: token, RAY_AUTH_TOKEN_PATH: path } = process.env;
  if (token) return token.trim();
  const file = path || join(homedir(), '.ray', 'auth_token');
  // A pipe would be waited for.
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return readFileSync(file, 'utf8').trim();
  if (!path) return undefined;
  throw new Error(
    `ray engine: RAY_AUTH_TOKEN_PATH must name a file that holds the token, got none at ${path}. Correct it, or set RAY_AUTH_TOKEN.`,
  );
}

/** The line of a Python traceback that says what happened. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '.');
  return lines.at(-1)?.trim().slice(0, 300) ?? 'no words';
}
