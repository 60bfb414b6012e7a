/**
 * A file from the network that is what was published, by its SHA-256.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SetupError } from './setup-error.js';

/** A host that is there sends something within this time. */
const SILENCE_MS = 20_000;

/**
 * Downloads a file unless it is there already with its published content.
 * @param {string} url
 * @param {string} file where it goes
 * @param {readonly string[]} published its SHA-256, or several where it was published again
 * @param {(bytes: number) => void} onBytes
 * @param {number} [silenceMs]
 * @throws {SetupError} where something else came; nothing of it is kept
 */
export async function fetchVerified(url, file, published, onBytes, silenceMs = SILENCE_MS) {
  if (existsSync(file)) {
    if (published.includes(await sha256Of(file))) return;
    rmSync(file);
  }
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.partial`;
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`nothing came within ${silenceMs / 1000} s`));
  let timer = setTimeout(giveUp, silenceMs);
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    let bytes = 0;
    const counted = new Transform({
      transform(chunk, _, done) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, silenceMs);
        onBytes((bytes += chunk.length));
        done(null, chunk);
      },
    });
    const body = Readable.fromWeb(response.body);
    await pipeline(body, counted, createWriteStream(partial), { signal: silence.signal });
    requirePublished(basename(file), await sha256Of(partial), published);
    renameSync(partial, file);
  } catch (error) {
    if (silence.signal.aborted) throw silence.signal.reason;
    // fetch hides the reason of a failure in the error's cause.
    const { message, cause } = /** @type {Error} */ (error);
    if (cause instanceof Error) throw new Error(`${url}: ${message} (${cause.message})`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    rmSync(partial, { force: true });
  }
}

/**
 * @param {string} name
 * @param {string} actual
 * @param {readonly string[]} published sums, one of which it must have
 * @throws {SetupError}
 */
export function requirePublished(name, actual, published) {
  if (published.includes(actual)) return;
  throw new SetupError(
    `The download of ${name} must have SHA-256 ${published.join(' or ')}, got ${actual}. It was deleted.`,
    'Run the command again; if it happens again, something on the way changes what you download.',
  );
}

/** @param {string} file */
export async function sha256Of(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
