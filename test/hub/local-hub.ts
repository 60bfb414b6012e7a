import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startServer } from '../local-server.js';

/** Files from this size on lie on another server, as on the Hub. */
const LARGE = 1000;

/** A change to how the servers answer: returns true if it has answered itself. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface LocalHub {
  url: string;
  /** Address of the server that holds the large files. */
  storeUrl: string;
  id: string;
  commit: string;
  /** `METHOD /path`, of both servers, in order. */
  requests: string[];
  /** Headers that each request came with. */
  headers: { request: string; range: string | undefined; authorization: string | undefined }[];
  /** Asked before the Hub itself answers. */
  onHub: Misbehaviour | undefined;
  /** Asked before the store of large files answers. */
  onStore: Misbehaviour | undefined;
  /** What the listing says, to be tampered with. */
  listing: Record<string, unknown>[];
}

/** SHA-256 for large files, git's SHA-1 for small ones. */
export function hashOf(content: Buffer): string {
  return content.length >= LARGE
    ? createHash('sha256').update(content).digest('hex')
    : createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** Two servers on this computer that answer as the Hub does for one model. */
export async function startHub(files: Record<string, Buffer>): Promise<LocalHub> {
  const id = 'owner/model';
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const requests: string[] = [];
  const headers: LocalHub['headers'] = [];
  const note = ({ method, url = '', headers: { range, authorization } }: IncomingMessage): void => {
    requests.push(`${method} ${url.split('?')[0]}`);
    headers.push({ request: `${method} ${url}`, range, authorization });
  };

  const store = await startServer((request, response) => {
    note(request);
    if (hub.onStore?.(request, response)) return;
    send(files[decodeURIComponent(request.url!.slice('/store/'.length))], request, response);
  });

  const server = await startServer((request, response) => {
    note(request);
    if (hub.onHub?.(request, response)) return;
    const { pathname } = new URL(request.url!, 'http://hub');
    if (
      pathname === `/api/models/${id}/revision/main` ||
      pathname === `/api/models/${id}/revision/${commit}`
    ) {
      const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
      json(response, {
        _id: '1',
        id,
        sha: commit,
        private: false,
        siblings,
        lastModified: '2025-04-15T00:00:00Z',
      });
    } else if (pathname === `/api/models/${id}/tree/${commit}`) {
      json(response, hub.listing);
    } else if (pathname.startsWith(`/${id}/resolve/${commit}/`)) {
      const path = decodeURIComponent(pathname.slice(`/${id}/resolve/${commit}/`.length));
      const content = files[path];
      if (content === undefined) return refuse(response, 404, 'EntryNotFound');
      response.setHeader('x-repo-commit', commit);
      if (content.length < LARGE) {
        response.setHeader('etag', `"${hashOf(content)}"`);
        return send(content, request, response);
      }
      response.setHeader('x-linked-etag', `"${hashOf(content)}"`);
      response.setHeader('x-linked-size', content.length);
      response.writeHead(302, { location: `${store.url}/store/${encodeURIComponent(path)}` }).end();
    } else {
      refuse(response, 404, 'RepoNotFound');
    }
    return undefined;
  });

  const hub: LocalHub = {
    url: server.url,
    storeUrl: store.url,
    id,
    commit,
    requests,
    headers,
    onHub: undefined,
    onStore: undefined,
    listing: Object.entries(files).map(([path, content]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: content.length < LARGE ? hashOf(content) : 'f'.repeat(40),
      ...(content.length < LARGE
        ? {}
        : { lfs: { oid: hashOf(content), size: content.length, pointerSize: 135 }, xetHash: 'e'.repeat(64) }),
    })),
  };
  return hub;
}

/** Sends a file, or the range of it that is asked for. */
export function send(content: Buffer, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('accept-ranges', 'bytes');
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  if (range && start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const part = content.subarray(start);
  response.setHeader('content-length', part.length);
  if (range) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  }
  if (request.method === 'HEAD') response.end();
  else response.end(part);
}

/**
 * Sends a part of what is asked for, and breaks the connection when that part is on the client's disk: what a broken
 * connection has not delivered yet is lost.
 * @param path where the client writes
 */
export function breakOff(
  content: Buffer,
  bytes: number,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': content.length - start,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  response.write(content.subarray(start, start + bytes));
  const look = setInterval(() => {
    if (!response.destroyed && statSync(path, { throwIfNoEntry: false })?.size !== start + bytes) return;
    clearInterval(look);
    response.destroy();
  }, 5);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function refuse(
  response: ServerResponse,
  status: number,
  code = '',
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-error-code': code, ...headers })
    .end(JSON.stringify({ error: `this is ${status}` }));
}
