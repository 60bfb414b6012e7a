/**
 * The Hub's cache on the disk, in the layout that all its clients share:
 * `models--owner--name/` with `blobs/` (files by their hash), `snapshots/COMMIT/` (their names, as links into blobs) and
 * `refs/` (the commit of each branch).
 */
import {
  copyFile,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  symlink,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileAtomically } from '../io/atomic-write.js';
import { formatBytes } from '../io/format-bytes.js';
import { HubError } from './request.js';
import type { RemoteFile } from './listing.js';

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
    const commit = await readFile(join(this.folder, 'refs', revision), 'utf8').catch(() => '');
    return /^[0-9a-f]{40}$/.test(commit.trim()) ? commit.trim() : undefined;
  }

  async setCommit(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) === commit) return;
    await writeFileAtomically(join(this.folder, 'refs', revision), async (file) => {
      await file.writeFile(commit);
    });
  }

  /** Whether a file's content is there, whole. */
  async has(file: RemoteFile): Promise<boolean> {
    const found = await stat(this.blob(file)).catch(() => undefined);
    return found !== undefined && found.size === file.bytes;
  }

  /** Gives a content that is there its name in a snapshot. Systems without links get a copy. */
  async link(commit: string, file: RemoteFile): Promise<void> {
    const name = join(this.snapshot(commit), file.path);
    const blob = this.blob(file);
    const found = await realpath(name).catch(() => undefined);
    if (found !== undefined && found === (await realpath(blob))) return;
    await mkdir(dirname(name), { recursive: true });
    const partial = `${name}.partial-${process.pid}`;
    await rm(partial, { force: true });
    await symlink(relative(dirname(name), blob), partial).catch(() => copyFile(blob, partial));
    await rename(partial, name);
  }

  /**
   * Checks that there is room for what has to come.
   * @throws HubError naming both figures
   */
  async checkRoom(bytes: number): Promise<void> {
    await mkdir(join(this.folder, 'blobs'), { recursive: true });
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
   * @param signal ends the waiting
   */
  async exclusively(
    file: RemoteFile,
    signal: AbortSignal | undefined,
    download: () => Promise<void>,
  ): Promise<void> {
    const lock = `${this.blob(file)}.lock`;
    await mkdir(dirname(lock), { recursive: true });
    while (!(await take(lock))) {
      await sleep(LOCK_POLL_MS);
      signal?.throwIfAborted();
    }
    try {
      await download();
    } finally {
      await rm(lock, { force: true });
    }
  }
}

const LOCK_POLL_MS = 200;
const ABANDONED_MS = 5000;

/** Makes a file with the number of this process in it; one left by a process that is gone does not count. */
async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = await stat(lock).catch(() => undefined);
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
  // An empty file was made this very moment, or by a process that was killed then.
  const isAbandoned =
    owner === 0 ? Date.now() - (found?.mtimeMs ?? Date.now()) > ABANDONED_MS : !isRunning(owner);
  if (isAbandoned) await rm(lock, { force: true });
  return false;
}

function isRunning(process_: number): boolean {
  try {
    process.kill(process_, 0); // signal 0 asks, and sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
