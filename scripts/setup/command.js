/**
 * Programs that the set-up starts: what they print goes to a log file, the last line to the progress display, and
 * they never outlive the set-up.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';

/** Lines of output that an error carries: npm prints its reason well before its end. */
const TAIL_LINES = 100;
/** How long a program may take to end after SIGTERM before it is killed. */
const GRACE_MS = 2_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
/** Whether this process is about to end by a signal. */
let stopping = false;

/** A program that ended with a fault. */
export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {string} output the last lines that it printed
   * @param {string | undefined} log file with all that it printed
   */
  constructor(message, output, log) {
    super(message);
    this.name = 'CommandError';
    this.output = output;
    this.log = log;
  }
}

/**
 * Runs a program to its end.
 * @param {string} file
 * @param {string[]} args
 * @param {object} options
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {string} [options.log] file for its output, written over
 * @param {(line: string) => void} [options.onLine] each line of its output
 * @param {() => string | undefined} [options.giveUp] asked once a second: a reason to end the program, or nothing
 * @param {string} [options.name] what to call it in errors
 * @returns {Promise<string>} its output's last lines
 * @throws {CommandError} when it cannot be started, ends with another code than 0, or is given up
 */
export async function runCommand(file, args, { cwd, env = process.env, log, onLine, giveUp, name = file }) {
  /** @type {string[]} */
  const tail = [];
  const logStream = log === undefined ? undefined : openLog(log);
  /** @type {unknown} */
  let logFault;
  logStream?.on('error', (error) => (logFault = error));

  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  running.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (raw) => {
      const line = raw.slice(raw.lastIndexOf('\r') + 1).trimEnd();
      logStream?.write(`${line}\n`);
      if (line === '') return;
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine?.(line);
    });
  }

  /** @type {string | undefined} */
  let reason;
  const watch = setInterval(() => {
    reason ??= giveUp?.();
    if (reason !== undefined) endChild(child);
  }, 1_000);

  try {
    const { code, signal } = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // Programs ended by Ctrl-C are no faults to go on from: TensorFlow's set-up would settle for WebAssembly.
    if (stopping) await new Promise(() => {});
    if (reason !== undefined) throw new CommandError(`${name}: ${reason}`, tail.join('\n'), log);
    if (code !== 0) {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      throw new CommandError(`${name} ended with ${how}`, tail.join('\n'), log);
    }
    return tail.join('\n');
  } finally {
    clearInterval(watch);
    running.delete(child);
    if (logStream && logFault === undefined) {
      logStream.end();
      await finished(logStream).catch(() => {});
    }
  }
}

/** @param {string} log */
function openLog(log) {
  mkdirSync(dirname(log), { recursive: true });
  return createWriteStream(log);
}

/** @param {import('node:child_process').ChildProcess} child */
function endChild(child) {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
}

/**
 * Makes Ctrl-C and its like end the programs that are running, then this process. Nothing half-done is kept: a step
 * counts as done only after its end.
 * @returns {() => void} takes that back
 */
export function endProgramsOnSignal() {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const stop = () => {
    stopping = true;
    for (const child of running) child.kill('SIGTERM');
    process.stderr.write('\nStopped. The next start goes on from here.\n');
    setTimeout(
      () => {
        for (const child of running) child.kill('SIGKILL');
        process.exit(130);
      },
      running.size === 0 ? 0 : 1_000,
    );
  };
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.removeListener(signal, stop);
  };
}
