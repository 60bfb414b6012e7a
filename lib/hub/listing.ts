/** What a repository of the Hub holds: the commit of a revision, and its files with sizes and hashes. */
import { HubError, request, unreachable, withPatience, type HubSession } from './request.js';

/** A file on the Hub. */
export interface RemoteFile {
  /** Path in the repository. */
  path: string;
  bytes: number;
  /**
   * SHA-256 of the content for large files (64 hexadecimal digits), git's SHA-1 of it as a blob for the others (40). It
   * names the file in the cache.
   */
  hash: string;
}

/** A revision of a repository. */
export interface Repository {
  /** 40 hexadecimal digits. */
  commit: string;
  files: RemoteFile[];
}

/** No repository that holds a model has more; a listing is held in memory. */
const MAX_FILES = 10_000;
const MAX_LISTING_BYTES = 2 ** 24;
/** A page of the listing has up to 1,000 files. */
const MAX_PAGES = 50;

/**
 * Asks the Hub for the commit of a revision and its files.
 * @param id `owner/name`
 * @throws HubError
 */
export async function listRepository(session: HubSession, id: string, revision: string): Promise<Repository> {
  const { modelInfo } = await import('@huggingface/hub');
  const hubUrl = session.endpoint;
  // The library's own token handling takes only tokens that begin with hf_; the session adds the token instead.
  const fetch = sessionFetch(session);
  const info = await withPatience(session, () =>
    understood(session, id, () =>
      modelInfo({ name: id, revision, hubUrl, fetch, additionalFields: ['sha'] }),
    ),
  );
  const commit: unknown = info.sha;
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new HubError(
      `download: the commit of ${id} must be 40 hexadecimal digits, got ${JSON.stringify(commit)} from ${hubUrl}.`,
    );
  }
  return { commit, files: await listTree(session, id, commit) };
}

async function listTree(session: HubSession, id: string, commit: string): Promise<RemoteFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const fetchPage = sessionFetch(session);
  const list = async (): Promise<RemoteFile[]> => {
    const files: RemoteFile[] = [];
    let pages = 0;
    const fetch: typeof fetchPage = (input, init) => {
      pages += 1;
      // Each page names the next, and empty ones could go on for ever.
      if (pages > MAX_PAGES)
        throw new HubError(`download: the listing of ${id} must have at most ${MAX_PAGES} pages, got more.`);
      return fetchPage(input, init);
    };
    const entries = listFiles({
      repo: { type: 'model', name: id },
      revision: commit,
      hubUrl: session.endpoint,
      fetch,
      recursive: true,
    });
    for await (const entry of entries) {
      if (entry.type !== 'file') continue;
      // Xet, the Hub's newer store, keeps the LFS fields: the SHA-256 is there for every large file.
      const { path, lfs } = entry;
      files.push(
        checkFile(
          {
            path,
            bytes: lfs?.size ?? entry.size,
            hash: (lfs?.oid ?? entry.oid ?? '').replace(/^sha256:/, ''),
          },
          id,
        ),
      );
      if (files.length > MAX_FILES)
        throw new HubError(`download: ${id} must have at most ${MAX_FILES} files, got more.`);
    }
    return files;
  };
  return withPatience(session, () => understood(session, id, list));
}

/** The library's errors about answers that it cannot read, reported as the Hub's fault. */
async function understood<T>({ signal }: HubSession, id: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HubError) throw error;
    throw new HubError(
      `download: the description of ${id} must be one that the Hub gives, got something else: ${(error as Error).message}. ` +
        'Check HF_ENDPOINT.',
      { cause: error },
    );
  }
}

function checkFile(file: RemoteFile, id: string): RemoteFile {
  const fail = (what: string, expected: string, found: unknown): never => {
    throw new HubError(
      `download: ${what} must be ${expected}, got ${JSON.stringify(found)} in the listing of ${id}.`,
    );
  };
  const { path, bytes, hash } = file;
  if (typeof path !== 'string' || !isInside(path)) return fail('a path', 'inside the repository', path);
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    return fail(`the size of ${path}`, 'a number of bytes', bytes);
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    return fail(
      `the hash of ${path}`,
      '64 hexadecimal digits (SHA-256) or 40 (git), so that it can be checked,',
      hash,
    );
  }
  return file;
}

/** Whether a path from the network stays in its folder, on every system. */
export function isInside(path: string): boolean {
  return (
    path !== '' &&
    path.length < 1000 &&
    // eslint-disable-next-line no-control-regex -- control characters are what this looks for
    !/[\\:*?"<>|\u0000-\u001f]/.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** Where a file is downloaded from. */
export function fileUrl({ endpoint }: HubSession, id: string, commit: string, path: string): string {
  return `${endpoint}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** `fetch` as the library calls it: with the session's token, redirects and errors. */
function sessionFetch(session: HubSession): typeof fetch {
  return async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    const url = input instanceof Request ? input.url : String(input);
    const { response, watch } = await request(session, url, { headers });
    // Read here, under the watch and within bounds: the library itself would wait and read for ever.
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        watch.heard((chunk as Uint8Array).length);
        bytes += (chunk as Uint8Array).length;
        if (bytes > MAX_LISTING_BYTES) {
          throw new HubError(`download: ${url} must give at most ${MAX_LISTING_BYTES} bytes, got more.`);
        }
        chunks.push(chunk as Uint8Array);
      }
    } catch (error) {
      session.signal?.throwIfAborted();
      throw error instanceof HubError ? error : unreachable(url, watch, error);
    } finally {
      watch.stop();
    }
    return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers });
  };
}
