/** Requests to the Hub: the token, redirects, and what may be tried again. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTextIfThere } from '../io/whole-file.js';
import { watchSilence, type SilenceWatch } from '../io/silence.js';

const MAX_REDIRECTS = 8;

/** A server may ask for this much patience at most. */
const MAX_WAIT_MS = 60_000;

/** How long to wait, and how often to try. */
export interface Patience {
  /** Tries without any progress before giving up. */
  tries: number;
  /** Wait before the second try; doubled with each. */
  firstWaitMs: number;
  /** How long a server may be silent. */
  silenceMs: number;
}

const DEFAULT_PATIENCE: Readonly<Patience> = Object.freeze({
  tries: 5,
  firstWaitMs: 1000,
  silenceMs: 30_000,
});

/** A wait: before the next try, or for another process. */
export interface HubWait {
  /** Undefined where it depends on another process. */
  seconds?: number;
  /** What went wrong, or who is waited for, for people. */
  reason: string;
}

/** Waits from this on are printed where there is no listener. */
const SAID_SECONDS = 3;

/** Says a wait, so that nobody takes it for a hang. */
export function sayWait({ seconds, reason }: HubWait): void {
  if (seconds === undefined) console.warn(`${reason} Waiting for it.`);
  else if (seconds >= SAID_SECONDS) console.warn(`${reason} Trying again in ${Math.round(seconds)} s.`);
}

/** Thrown when the Hub refuses, cannot be reached, or sends what cannot be used. The message says what to do. */
export class HubError extends Error {
  override readonly name = 'HubError';
  /** HTTP status, if the server answered. */
  readonly status: number | undefined;
  /** Whether the same request may succeed later. */
  readonly isTransient: boolean;
  /** What the server asked to wait. */
  readonly waitMs: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { status?: number; isTransient?: boolean; waitMs?: number } = {},
  ) {
    // Servers' words are in it: their control characters would be orders to a terminal.
    super(message.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\uFFFD'), options);
    this.status = options.status;
    this.isTransient = options.isTransient ?? false;
    this.waitMs = options.waitMs;
  }
}

/** Where the Hub is and who asks. */
export interface HubSession {
  /** Without a slash at its end. */
  endpoint: string;
  token: string | undefined;
  signal: AbortSignal | undefined;
  patience: Patience;
  /** Called before a wait. */
  onWait: (wait: HubWait) => void;
}

/** Whether the network is not to be asked at all. */
export function isOffline(): boolean {
  return /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '');
}

/**
 * Reads `HF_ENDPOINT` and the token: `HF_TOKEN`, else what `hf auth login` left in `HF_HOME/token`.
 * @throws HubError for an endpoint that is no address
 */
export async function openSession(
  signal?: AbortSignal,
  patience: Partial<Patience> = {},
  onWait: HubSession['onWait'] = sayWait,
): Promise<HubSession> {
  const endpoint = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new HubError(
      `download: HF_ENDPOINT must be an address like https://huggingface.co, got ${JSON.stringify(endpoint)}.`,
    );
  }
  return {
    endpoint,
    token: await readToken(),
    signal,
    patience: { ...DEFAULT_PATIENCE, ...patience },
    onWait,
  };
}

async function readToken(): Promise<string | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  const token = HF_TOKEN || (await readTextIfThere(HF_TOKEN_PATH || join(home, 'token'), 'read token'));
  return token?.trim() || undefined;
}

/** An answer, and the watch that its body has to be read under. */
export interface Answer {
  response: Response;
  watch: SilenceWatch;
}

/**
 * One request. Redirects are followed here, not by fetch, so that the token goes to the endpoint and to no other server.
 * @returns any answer that is no refusal; the caller stops the watch when it has read the body
 * @throws HubError for a refusal (401, 403, 404, …), and transient ones for silence, broken connections, 429 and 5xx
 */
export async function request(
  session: HubSession,
  url: string,
  options: {
    headers?: Record<string, string>;
    accept?: readonly number[];
  } = {},
): Promise<Answer> {
  const { endpoint, token, signal, patience } = session;
  const home = new URL(endpoint).origin;
  const watch = watchSilence(patience.silenceMs, signal);
  try {
    let address = new URL(url);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const authorization: Record<string, string> =
        token !== undefined && address.origin === home ? { authorization: `Bearer ${token}` } : {};
      const response = await fetch(address, {
        // Compressed answers would have other lengths than the files.
        headers: { 'accept-encoding': 'identity', ...options.headers, ...authorization },
        redirect: 'manual',
        signal: watch.signal,
      });
      const location =
        response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
      if (location === null) {
        if (response.ok || options.accept?.includes(response.status)) return { response, watch };
        throw await refusal(response, address);
      }
      await response.body?.cancel();
      address = new URL(location, address);
    }
    throw new HubError(`download: ${url} redirects more than ${MAX_REDIRECTS} times.`);
  } catch (error) {
    watch.stop();
    signal?.throwIfAborted();
    throw error instanceof HubError ? error : unreachable(url, watch, error);
  }
}

/** A connection that failed or broke off. */
export function unreachable(url: string, watch: SilenceWatch, error: unknown): HubError {
  const { message, cause } = error as Error;
  // fetch hides the reason of a failure in the error's cause; an abort by the watch has its own.
  const silence: unknown = watch.signal.aborted ? watch.signal.reason : undefined;
  const reason =
    silence instanceof Error
      ? silence.message
      : cause instanceof Error && cause.message !== ''
        ? cause.message
        : message;
  return new HubError(`download: ${url} cannot be reached: ${reason}. Check the network.`, {
    cause: error,
    isTransient: true,
  });
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'Check the name; for a private or gated model set HF_TOKEN to a token that may read it.',
  403: 'The token may not read it: accept the conditions on the page of the model, or set HF_TOKEN to another token.',
  404: 'Check the name of the model and its revision.',
  429: 'Too many requests: try again later, or set HF_TOKEN.',
};

async function refusal(response: Response, address: URL): Promise<HubError> {
  const { status, headers } = response;
  const said = headers.get('x-error-message') ?? (await messageOf(response));
  const isTransient = status === 429 || status >= 500;
  const hint =
    HINTS[status] ?? (isTransient ? 'Try again later.' : 'Try another revision or another endpoint.');
  return new HubError(
    `download: ${address.origin}${address.pathname} answered ${status}${said === '' ? '' : ` (${said})`}. ${hint}`,
    { status, isTransient, waitMs: isTransient ? requestedWait(headers.get('retry-after')) : undefined },
  );
}

/** What the server says about a refusal: `error` of a JSON answer, shortened. */
async function messageOf(response: Response): Promise<string> {
  const text = await firstKilobytes(response);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error.slice(0, 200) : '';
  } catch {
    return '';
  }
}

async function firstKilobytes(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > 4096) break;
  }
  return text;
}

/** Retry-After, in seconds or as a date. */
function requestedWait(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_WAIT_MS) : undefined;
}

/** Bytes that count as progress: fewer may come with every try, and still nobody lives to see the end. */
const PROGRESS_BYTES = 32_768;

/**
 * Repeats what fails for the moment, with longer and longer waits.
 * @param attempt throws transient HubErrors to be called again
 * @param bytes what has come so far; a try that brings enough makes earlier failures forgotten
 */
export async function withPatience<T>(
  { patience, signal, onWait }: HubSession,
  attempt: () => Promise<T>,
  bytes: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  for (;;) {
    const before = bytes();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      failures = bytes() - before >= PROGRESS_BYTES ? 1 : failures + 1;
      if (!(error instanceof HubError) || !error.isTransient || failures >= patience.tries) throw error;
      const wait = Math.min(error.waitMs ?? patience.firstWaitMs * 2 ** (failures - 1), MAX_WAIT_MS);
      onWait({ seconds: wait / 1000, reason: error.message });
      await sleep(wait, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
