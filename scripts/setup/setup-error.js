/**
 * A fault that the user can do something about: printed as it stands, without a stack.
 */
export class SetupError extends Error {
  /**
   * @param {string} why what went wrong: what was expected and what was found
   * @param {string} remedy what to do next
   * @param {string} [log] file with everything that the failing program printed
   */
  constructor(why, remedy, log) {
    super(`${why} ${remedy}`);
    this.name = 'SetupError';
    this.why = why;
    this.remedy = remedy;
    this.log = log;
  }
}

/** Lines of a program's output that are shown where its cause is not known. */
const SHOWN_LINES = 12;

const DISK_FULL = /ENOSPC|No space left on device|not enough space on the disk|Disk quota exceeded|EDQUOT/i;

/** What programs print when a cause lies outside them, and what helps. First match wins. */
const KNOWN_CAUSES = [
  {
    pattern: /npm ci. can only install packages when your package\.json/,
    why: 'package.json and package-lock.json do not belong together.',
    remedy:
      'Restore both (git checkout package.json package-lock.json) or run npm install, then run the command again.',
  },
  {
    pattern: DISK_FULL,
    why: 'The disk is full.',
    remedy: 'Free about 2 GB and run the command again; it goes on where it stopped.',
  },
  {
    pattern: /EROFS|Read-only file system/i,
    why: 'The folder cannot be written: its file system is read-only.',
    remedy: 'Put the project where you may write and run the command again.',
  },
  {
    pattern: /EACCES|EPERM|Permission denied|Access is denied/i,
    why: 'A file or folder may not be written.',
    remedy: 'Make the project folder your own (check its owner and rights) and run the command again.',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|name resolution|NewConnectionError|Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|getaddrinfo/i,
    why: 'The network, or a package registry, could not be reached.',
    remedy: 'Connect (or set your proxy) and run the command again; it goes on where it stopped.',
  },
];

/**
 * The cause behind a fault, in words that say what to do.
 * @param {unknown} error a SetupError is handed through; of another error its message and `output` are read
 * @returns {SetupError}
 */
export function explain(error) {
  if (error instanceof SetupError) return error;
  const { message, output, log } = /** @type {{ message?: string, output?: string, log?: string }} */ (error);
  const text = `${message ?? String(error)}\n${output ?? ''}`;
  const cause = KNOWN_CAUSES.find(({ pattern }) => pattern.test(text));
  if (cause) return new SetupError(`${cause.why} (${firstLineWith(cause.pattern, text)})`, cause.remedy, log);
  const lines = text.trim().split('\n');
  const excerpt = lines.length > SHOWN_LINES ? [lines[0], '…', ...lines.slice(-SHOWN_LINES)] : lines;
  return new SetupError(
    excerpt.join('\n'),
    'Mend that and run the command again; it goes on where it stopped.',
    log,
  );
}

/**
 * @param {RegExp} pattern
 * @param {string} text
 */
function firstLineWith(pattern, text) {
  const line = text.split('\n').find((candidate) => pattern.test(candidate)) ?? '';
  return line.trim().slice(0, 300);
}

/** Whether a step failed for want of disk: then no other way can do better. @param {unknown} error */
export function isDiskFull(error) {
  const { message, output } = /** @type {{ message?: string, output?: string }} */ (error);
  return DISK_FULL.test(`${message ?? ''}\n${output ?? ''}`);
}
