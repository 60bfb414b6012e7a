/**
 * The Hub's cache on the disk, in the layout that all its clients share:
 * `models--owner--name/` with `blobs/` (files by their hash), `snapshots/COMMIT/` (their names, as links into blobs) and
 * `refs/` (the commit of each branch).
 */
import { copyFile, realpath, rename, stat, statfs, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../io/make-folder.js';
import { partialName, writeFileAtomically } from '../io/atomic-write.js';
import { formatBytes } from '../io/format-bytes.js';
import { holderOf, tryLock } from '../io/lock.js';
import { readTextIfThere } from '../io/whole-file.js';
import { hasHash, incompletePath } from './download.js';
import type { RemoteFile } from './listing.js';
import { HubError, type HubSession } from './request.js';

/** One model's part of the cache. */
export class ModelCache {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The part of a model, by `HF_HUB_CACHE` or `HF_HOME`; nothing is made on the disk yet. */
  static async of(id: string): Promise<ModelCache> {
    const { getHFHubCachePath, getRepoFolderName } = await import('@huggingface/hub');
    return new ModelCache(join(getHFHubCachePath(), getRepoFolderName({ type: 'model', name: id })));
  }

  blob({ hash }: RemoteFile): string {
    return join(this.folder, 'blobs', hash);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The commit that a revision stood for when it was last downloaded: itself, if it is one. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const path = join(this.folder, 'refs', revision);
    const commit = (await readTextIfThere(path, 'read revision').catch(() => undefined))?.trim() ?? '';
    return /^[0-9a-f]{40}$/.test(commit) ? commit : undefined;
  }

  async setCommit(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) === commit) return;
    await writeFileAtomically(join(this.folder, 'refs', revision), async (file) => {
      await file.writeFile(commit);
    });
  }

  /** Whether a file's content is there, whole, and with the hash that it should have. */
  async has(file: RemoteFile): Promise<boolean> {
    const found = await stat(this.blob(file)).catch(() => undefined);
    return found?.size === file.bytes && (await isRight(this.blob(file)));
  }

  /** Bytes of a file that have to come: none, or those that an earlier download did not get. */
  async missingBytes(file: RemoteFile): Promise<number> {
    if (await this.has(file)) return 0;
    const left = await stat(incompletePath(this.blob(file))).catch(() => undefined);
    return file.bytes - Math.min(left?.size ?? 0, file.bytes);
  }

  /** Files of a snapshot whose content is not what their blob's name says. A copy instead of a link says nothing. */
  async damaged(commit: string, paths: readonly string[]): Promise<string[]> {
    const right = await Promise.all(
      paths.map(async (path) => {
        const blob = await realpath(join(this.snapshot(commit), path)).catch(() => undefined);
        return blob === undefined || !RE_HASH.test(basename(blob)) || isRight(blob);
      }),
    );
    return paths.filter((_, i) => !right[i]);
  }

  /** Gives a content that is there its name in a snapshot. Systems without links get a copy. */
  async link(commit: string, file: RemoteFile): Promise<void> {
    const name = join(this.snapshot(commit), file.path);
    const blob = this.blob(file);
    const found = await realpath(name).catch(() => undefined);
    if (found !== undefined && found === (await realpath(blob))) return;
    await makeFolder(dirname(name));
    const partial = partialName(name);
    await symlink(relative(dirname(name), blob), partial).catch(() => copyFile(blob, partial));
    await rename(partial, name);
  }

  /**
   * Checks that there is room for what has to come.
   * @throws HubError naming both figures
   */
  async checkRoom(bytes: number): Promise<void> {
    await makeFolder(join(this.folder, 'blobs'));
    const { bavail, bsize } = await statfs(this.folder);
    const free = bavail * bsize;
    if (bytes <= free) return;
    throw new HubError(
      `download: ${formatBytes(bytes)} must fit on the disk of ${this.folder}, got ${formatBytes(free)} free. ` +
        'Free some space, or set HF_HOME to a folder on another disk.',
    );
  }

  /**
   * Runs `download` while no other process downloads the same content; waits for one that does.
   * @param onWait called once with the process that holds the lock
   * @param signal ends the waiting
   */
  async exclusively(
    file: RemoteFile,
    { onWait, signal }: Pick<HubSession, 'onWait' | 'signal'>,
    download: () => Promise<void>,
  ): Promise<void> {
    const path = `${this.blob(file)}.lock`;
    await makeFolder(dirname(path));
    let lock = await tryLock(path);
    if (lock === undefined) {
      onWait({ reason: `download: ${file.path} is being downloaded by ${await holderOf(path)}.` });
    }
    while (lock === undefined) {
      await sleep(LOCK_POLL_MS);
      signal?.throwIfAborted();
      lock = await tryLock(path);
    }
    try {
      await download();
    } finally {
      lock.release();
    }
  }
}

const LOCK_POLL_MS = 200;
const RE_HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Blobs whose hash was right, with what shows that a file has changed: a gigabyte takes a second each time. */
const known = new Map<string, string>();

/** Whether a blob holds what its name, a hash, says. */
async function isRight(blob: string): Promise<boolean> {
  const { ino, size, mtimeMs } = await stat(blob);
  const version = `${ino} ${size} ${mtimeMs}`;
  if (known.get(blob) === version) return true;
  if (!(await hasHash(blob, basename(blob)))) return false;
  known.set(blob, version);
  return true;
}
