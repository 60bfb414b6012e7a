/** Models from the Hugging Face Hub, into the cache that all of its clients share. */
import { readdir } from 'node:fs/promises';
import { explainSystemError } from '../io/file-error.js';
import { ModelCache } from './cache.js';
import { downloadBlob } from './download.js';
import { fileUrl, isInside, listRepository, type RemoteFile, type Repository } from './listing.js';
import { HubError, isOffline, openSession, type HubSession, type HubWait, type Patience } from './request.js';
import { missingFiles, openablePath, selectFiles } from './snapshot.js';

/** How far a download is. */
export interface DownloadProgress {
  /** The file that is being downloaded. */
  file: string;
  /** On the disk, of all files; what was there before counts. */
  bytes: number;
  totalBytes: number;
  /** Mean rate since the start of this call, without what was there before. */
  bytesPerSecond: number;
  /** Infinity as long as nothing has come. */
  secondsLeft: number;
}

/** Options of {@link downloadModel}. */
export interface DownloadOptions {
  /** Branch, tag or commit. Default `main`. */
  revision?: string;
  /** Paths in the repository. Default: config, tokenizer and weights, all that a model needs to run. */
  files?: readonly string[];
  /** Ends the download with the signal's reason; what has come is kept for the next time. */
  signal?: AbortSignal;
  /** Receives how far the download is, about ten times a second and at the beginning of each file. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Called before a wait that a server asks for. Default: writes long ones to the console. */
  onWait?: (wait: HubWait) => void;
  /** How long to wait and how often to try. */
  patience?: Partial<Patience>;
}

const PROGRESS_INTERVAL_MS = 100;

/**
 * Downloads a model unless it is in the cache. The cache is where the Hub's other clients have it: `HF_HUB_CACHE`, else
 * `HF_HOME/hub`, else `~/.cache/huggingface/hub`. `HF_TOKEN` opens private and gated models, `HF_ENDPOINT` names a
 * mirror, and with `HF_HUB_OFFLINE=1` the network is not asked at all.
 * @param id `owner/name`, such as `microsoft/bitnet-b1.58-2B-4T`
 * @returns what `openCheckpoint` opens: the folder of the snapshot, or the `.gguf` file in it if that is the model
 * @throws HubError if the Hub refuses, cannot be reached, or sends what is not the file; FileError if the disk is
 * full or cannot be written; the signal's reason
 */
export async function downloadModel(id: string, options: DownloadOptions = {}): Promise<string> {
  const { revision = 'main', files } = options;
  options.signal?.throwIfAborted();
  checkNames(id, revision, files);
  const cache = await ModelCache.of(id);
  try {
    if (isOffline()) return await openCached(cache, id, revision, files);
    return await downloadInto(cache, id, revision, options);
  } catch (error) {
    throw explainSystemError('download', cache.folder, error);
  }
}

async function downloadInto(
  cache: ModelCache,
  id: string,
  revision: string,
  options: DownloadOptions,
): Promise<string> {
  const { signal, patience, files, onWait } = options;
  const session = await openSession(signal, patience, onWait);
  const select = (paths: readonly string[]): string[] => selectFiles(paths, id, files);
  let repository: Repository;
  try {
    repository = await listRepository(session, id, revision);
  } catch (error) {
    return cachedInstead(error, cache, id, revision, files);
  }
  const { commit } = repository;
  const wanted = new Set(select(repository.files.map(({ path }) => path)));
  const chosen = repository.files.filter(({ path }) => wanted.has(path)).sort((a, b) => a.bytes - b.bytes);
  await downloadFiles(session, cache, id, commit, chosen, options);
  await cache.setCommit(revision, commit);
  return openablePath(cache.snapshot(commit), files);
}

function checkNames(id: string, revision: string, files: readonly string[] = []): void {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(id) || !isInside(id) || id.includes('--')) {
    throw new HubError(`download: the name of a model must be like owner/name, got ${JSON.stringify(id)}.`);
  }
  if (!isInside(revision)) {
    throw new HubError(
      `download: the revision must be a branch, tag or commit, got ${JSON.stringify(revision)}.`,
    );
  }
  for (const path of files) {
    if (!isInside(path))
      throw new HubError(`download: a file must be a path in the repository, got ${JSON.stringify(path)}.`);
  }
}

async function downloadFiles(
  session: HubSession,
  cache: ModelCache,
  id: string,
  commit: string,
  files: readonly RemoteFile[],
  { onProgress }: DownloadOptions,
): Promise<void> {
  const present = new Map<RemoteFile, boolean>();
  for (const file of files) present.set(file, await cache.has(file));
  const missing = files.filter((file) => !present.get(file));
  const report = progressReporter(files, onProgress);
  let missingBytes = 0;
  for (const file of missing) missingBytes += await cache.missingBytes(file);
  if (missing.length > 0) await cache.checkRoom(missingBytes);
  for (const file of files) {
    if (present.get(file)) {
      report(file, file.bytes, true);
    } else {
      await cache.exclusively(file, session, async () => {
        if (await cache.has(file)) return; // another process has just downloaded it
        const url = fileUrl(session, id, commit, file.path);
        const path = cache.blob(file);
        await downloadBlob(session, { file, url, path, onBytes: (bytes) => report(file, bytes) });
      });
      report(file, file.bytes);
    }
    await cache.link(commit, file);
  }
}

/** Adds up the bytes of all files, and reports them at intervals. */
function progressReporter(
  files: readonly RemoteFile[],
  onProgress: DownloadOptions['onProgress'],
): (file: RemoteFile, bytes: number, wasThere?: boolean) => void {
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const start = performance.now();
  const onDisk = new Map<RemoteFile, number>();
  let bytes = 0;
  let before = 0;
  let lastReport = -Infinity;
  return (file, fileBytes, wasThere = false) => {
    const known = onDisk.get(file);
    // The first figure of a file is what an earlier download left.
    if (known === undefined && (wasThere || fileBytes < file.bytes)) before += fileBytes;
    bytes += fileBytes - (known ?? 0);
    onDisk.set(file, fileBytes);
    const now = performance.now();
    // The beginning of a file and the end of all are always reported.
    if (known !== undefined && now - lastReport < PROGRESS_INTERVAL_MS && bytes < totalBytes) return;
    lastReport = now;
    const bytesPerSecond = (Math.max(0, bytes - before) / Math.max(now - start, 1)) * 1000;
    const left = totalBytes - bytes;
    const secondsLeft = left === 0 ? 0 : left / bytesPerSecond;
    onProgress?.({ file: file.path, bytes, totalBytes, bytesPerSecond, secondsLeft });
  };
}

/** What is in the cache, if the Hub cannot be reached; its error otherwise. */
async function cachedInstead(
  error: unknown,
  cache: ModelCache,
  id: string,
  revision: string,
  files: readonly string[] | undefined,
): Promise<string> {
  if (!(error instanceof HubError) || !error.isTransient) throw error;
  try {
    return await openCached(cache, id, revision, files);
  } catch {
    throw error;
  }
}

/** The snapshot in the cache, if it is complete. */
async function openCached(
  cache: ModelCache,
  id: string,
  revision: string,
  files: readonly string[] | undefined,
): Promise<string> {
  const commit = await cache.commitOf(revision);
  const folder = commit === undefined ? undefined : cache.snapshot(commit);
  const missing = folder === undefined ? [`revision ${revision}`] : await missingFiles(folder, files);
  if (commit !== undefined && missing.length === 0) {
    const damaged = await cache.damaged(commit, files ?? (await readdir(cache.snapshot(commit))));
    missing.push(...damaged.map((path) => `undamaged ${path}`));
  }
  if (folder !== undefined && missing.length === 0) return openablePath(folder, files);
  throw new HubError(
    `download: without a network ${id} must be complete in ${cache.folder}, but there is no ${missing.join(', ')}. ` +
      'Download it once with a network and without HF_HUB_OFFLINE.',
  );
}
