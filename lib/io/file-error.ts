/** The error of everything that reads and writes files. */
import { quote } from './quote.js';

/** Where a file went wrong. Every field that is known is filled in. */
export interface FileProblem {
  /** What was being done, such as `read safetensors`. */
  operation: string;
  /** The file or folder. */
  file: string;
  /** transformers' name of the tensor, or the name that the file gives it. */
  tensor?: string;
  /** Byte offset in the file. */
  offset?: number;
  /** What is wrong, such as `header length`. */
  what: string;
  /** What it has to be. */
  expected: string;
  /** What it is. */
  found: string;
  /** What to do next. */
  hint?: string;
}

/** Longest part of a message; the parts quote the file, some of them without `quote`. */
const MAX_PART_LENGTH = 400;

function shorten(text: string): string {
  return text.length <= MAX_PART_LENGTH ? text : `${text.slice(0, MAX_PART_LENGTH)}…`;
}

/** Thrown for a file that cannot be read or written: missing, cut off, in the way, or on a full disk. */
export class FileError extends Error {
  override readonly name: string = 'FileError';
  readonly file: string;
  readonly tensor: string | undefined;
  /** Byte offset in the file. */
  readonly offset: number | undefined;
  readonly expected: string;
  readonly found: string;

  constructor(problem: FileProblem, options?: ErrorOptions) {
    const { operation, file, tensor, offset, hint } = problem;
    const [what, expected, found] = [problem.what, problem.expected, problem.found].map((part) =>
      shorten(part),
    );
    const place = [
      ` in ${file}`,
      tensor === undefined ? '' : `, tensor ${quote(tensor)}`,
      offset === undefined ? '' : `, at byte ${offset}`,
    ].join('');
    super(
      `${operation}: ${what} must be ${expected}, got ${found}${place}.${hint === undefined ? '' : ` ${hint}`}`,
      options,
    );
    this.file = file;
    this.tensor = tensor;
    this.offset = offset;
    this.expected = expected;
    this.found = found;
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, { expected: string; hint: string }>> = {
  ENOENT: { expected: 'there', hint: 'Check the path.' },
  ENOTDIR: { expected: 'inside a folder', hint: 'Check the path.' },
  ELOOP: {
    expected: 'a link that leads to a file',
    hint: 'The links go round in a circle: put the file itself there.',
  },
  EISDIR: { expected: 'a file', hint: 'Name a file, not a folder.' },
  ENXIO: { expected: 'a file', hint: 'Name a file, not a socket or a device.' },
  EACCES: { expected: 'open to this user', hint: 'Check the permissions.' },
  EPERM: { expected: 'open to this user', hint: 'Check the permissions.' },
  EROFS: { expected: 'on a disk that can be written', hint: 'Choose another folder.' },
  ENOSPC: {
    expected: 'within the free disk space',
    hint: 'Free some space; what was there before is untouched.',
  },
  EDQUOT: { expected: 'within the disk quota', hint: 'Free some space; what was there before is untouched.' },
  EFBIG: {
    expected: 'within the largest file size',
    hint: 'Choose another disk; what was there before is untouched.',
  },
};

/** Makes a FileError of an error of the file system; any other error stays as it is. */
export function explainSystemError(operation: string, file: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known = typeof code === 'string' ? SYSTEM_ERRORS[code] : undefined;
  if (known === undefined) return error;
  return new FileError({ operation, file, what: 'the file', found: code!, ...known }, { cause: error });
}
