/**
 * Locks between processes, kept by the system: flock, and on Windows a file that is open for one process alone. Such a
 * lock ends with its process, however that ends. It rests on no process number, which repeats from container to
 * container, and on no heartbeat, which a long step of training would miss.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { realpath } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileError } from './file-error.js';
import { readTextIfThere } from './whole-file.js';

/** A lock that this process holds. */
export interface Lock {
  /** Gives it back; once is enough, more do nothing. */
  release(): void;
}

const POLL_MS = 20;

/**
 * Takes the lock that the file `path` stands for. The file is made, names its holder, and goes with the lock; one that a
 * killed process left is free.
 * @returns undefined where another holds it: another process, or another part of this one
 * @throws the system's error where the file cannot be made
 */
export async function tryLock(path: string): Promise<Lock | undefined> {
  const { default: koffi } = await import('koffi');
  return process.platform === 'win32' ? openAlone(koffi, path) : flock(koffi, path);
}

/**
 * Takes a lock as soon as it is free.
 * @returns undefined where it is not free within `patienceMs`
 */
export async function waitForLock(path: string, patienceMs: number): Promise<Lock | undefined> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const lock = await tryLock(path);
    if (lock !== undefined || Date.now() >= end) return lock;
    await sleep(POLL_MS);
  }
}

/** Who holds a lock, for people. */
export async function holderOf(path: string): Promise<string> {
  const text = (await readTextIfThere(path, 'lock').catch(() => undefined)) ?? '';
  return text.trim() === ownName() ? `this process (${process.pid})` : text.trim() || 'another process';
}

function ownName(): string {
  return `process ${process.pid} of ${hostname()}`;
}

type Koffi = typeof import('koffi').default;

const LOCK_EX_NB = 6;
const MAX_NAME = 512;
/** What {@link nameHolder} writes; early versions wrote the number alone. */
const RE_HOLDER = /^(?:process \d+ of [^\n]*|\d+)\n?$/;
/** File systems that keep no locks answer with one of these. */
const NO_LOCKS = ['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'] as const;

type Flock = (fd: number, operation: number) => number;
/** The system's function, found once. */
let call: Flock | undefined;

async function flock(koffi: Koffi, path: string): Promise<Lock | undefined> {
  call ??= koffi.load(null).func('int flock(int fd, int operation)') as Flock;
  for (;;) {
    // A plain number, which no garbage collector closes.
    const fd = openSync(path, 'a+');
    if (!isLock(fd)) {
      closeSync(fd);
      throw new FileError({
        operation: 'lock',
        file: path,
        what: 'the file',
        expected: 'a lock of this project, or not there',
        found: 'something else, which would be lost',
        hint: 'Move it elsewhere, or name another place to write to.',
      });
    }
    const isHeld = call(fd, LOCK_EX_NB) !== 0;
    const code = koffi.errno();
    if (isHeld) {
      closeSync(fd);
      const { EWOULDBLOCK } = koffi.os.errno;
      if (code === EWOULDBLOCK) return undefined;
      if (!NO_LOCKS.some((name) => koffi.os.errno[name] === code)) {
        throw Object.assign(new Error(`flock: must return 0, got errno ${code} for ${path}.`), { path });
      }
      return await flock(koffi, await placeForLock(path));
    }
    // The previous holder removes the file before it unlocks: who had opened that file holds a lock that nobody sees.
    if (!isStill(path, fd)) {
      closeSync(fd);
      continue;
    }
    nameHolder(fd);
    return once(() => {
      if (isStill(path, fd)) rmSync(path, { force: true });
      closeSync(fd);
    });
  }
}

/** Empty, or what a holder wrote into it; other programs keep other things in files of such names. */
function isLock(fd: number): boolean {
  if (!fstatSync(fd).isFile()) return false;
  const text = Buffer.alloc(MAX_NAME);
  const length = readSync(fd, text, 0, MAX_NAME, 0);
  return length === 0 || (length < MAX_NAME && RE_HOLDER.test(text.toString('utf8', 0, length)));
}

/** For people alone: on a full disk the lock holds without it. */
function nameHolder(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${ownName()}\n`);
  } catch {
    // Nobody depends on it.
  }
}

function isStill(path: string, fd: number): boolean {
  const [now, own] = [statSync(path, { throwIfNoEntry: false }), fstatSync(fd)];
  return now !== undefined && now.ino === own.ino && now.dev === own.dev;
}

/** Where the file system of `path` keeps no locks, the temporary folder's does, for the processes of this machine. */
async function placeForLock(path: string): Promise<string> {
  rmSync(path, { force: true });
  const place = join(await realpath(dirname(path)), basename(path));
  if (dirname(place) === (await realpath(tmpdir()))) {
    throw new Error(`lock: the temporary folder must keep locks, got a file system without them at ${path}.`);
  }
  return join(tmpdir(), `bitnet-lock-${createHash('sha256').update(place).digest('hex').slice(0, 20)}`);
}

const GENERIC_WRITE = 0x4000_0000;
const OPEN_ALWAYS = 4;
const DELETE_ON_CLOSE = 0x0400_0000;
const INVALID_HANDLE = -1;
const ERROR_SHARING_VIOLATION = 32;

function openAlone(koffi: Koffi, path: string): Lock | undefined {
  const kernel = koffi.load('kernel32.dll');
  const open = kernel.func(
    'intptr_t __stdcall CreateFileW(str16 path, uint32_t access, uint32_t share, void *security, uint32_t disposition, ' +
      'uint32_t flags, void *template)',
  ) as (...given: unknown[]) => number;
  const close = kernel.func('int __stdcall CloseHandle(intptr_t handle)') as (handle: number) => number;
  const lastError = kernel.func('uint32_t __stdcall GetLastError()') as () => number;
  const handle = open(path, GENERIC_WRITE, 0, null, OPEN_ALWAYS, DELETE_ON_CLOSE, null);
  if (handle !== INVALID_HANDLE) return once(() => void close(handle));
  const code = lastError();
  if (code === ERROR_SHARING_VIOLATION) return undefined;
  throw new Error(`lock: ${path} must open for this process alone, got Windows' error ${code}.`);
}

function once(release: () => void): Lock {
  let isHeld = true;
  return {
    release: () => {
      if (isHeld) release();
      isHeld = false;
    },
  };
}
