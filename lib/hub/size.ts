/** How much a model would download, so that a user can be asked first. */
import { ModelCache } from './cache.js';
import { listRepository } from './listing.js';
import { isOffline, openSession } from './request.js';
import { selectFiles } from './snapshot.js';

/** Bytes of a model on the Hub. */
export interface DownloadSize {
  /** Of all files that the model needs. */
  totalBytes: number;
  /** Of those that are not in the cache yet, without what a download that broke off left. */
  missingBytes: number;
}

/**
 * Asks the Hub how large a model is and looks what the cache has. Nothing is downloaded. With `HF_HUB_OFFLINE` nothing
 * is asked and nothing can be missing: a download takes what is there.
 * @param id `owner/name`, such as `microsoft/bitnet-b1.58-2B-4T`
 * @throws HubError if the Hub refuses or cannot be reached; the signal's reason
 */
export async function downloadSize(
  id: string,
  { revision = 'main', signal }: { revision?: string; signal?: AbortSignal } = {},
): Promise<DownloadSize> {
  if (isOffline()) return { totalBytes: 0, missingBytes: 0 };
  const cache = await ModelCache.of(id);
  const session = await openSession(signal);
  const select = (paths: readonly string[]): string[] => selectFiles(paths, id);
  const { files } = await listRepository(session, id, revision);
  const wanted = new Set(select(files.map(({ path }) => path)));
  const size = { totalBytes: 0, missingBytes: 0 };
  for (const file of files) {
    if (!wanted.has(file.path)) continue;
    size.totalBytes += file.bytes;
    size.missingBytes += await cache.missingBytes(file);
  }
  return size;
}
