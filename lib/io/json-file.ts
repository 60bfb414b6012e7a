/** JSON files of a checkpoint folder. */
import { join } from 'node:path';
import { FileError, excerpt } from './file-error.js';
import { FileBytes } from './file-bytes.js';
import { parseModestJson, parsePythonJson } from './json.js';

/** tokenizer.json of a Llama-3 vocabulary has 17 million bytes; parsed, a file can take twenty times its size. */
const MAX_JSON_BYTES = 67_108_864;

/** The bytes of a text file, checked to be UTF-8. @throws FileError */
export async function readTextFile(path: string, operation: string): Promise<string> {
  const file = await FileBytes.open(path, operation);
  try {
    const fail = (what: string, expected: string, found: string): never => {
      throw new FileError({ operation, file: path, what, expected, found });
    };
    if (file.size > MAX_JSON_BYTES) fail('size', `at most ${MAX_JSON_BYTES} bytes`, `${file.size}`);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes, { operation });
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return fail('text', 'UTF-8', 'other bytes');
    }
  } finally {
    await file.close();
  }
}

/**
 * Parses the text of a JSON file.
 * @param parse how: by default as JSON of modest size
 * @throws FileError
 */
export function parseJson(
  text: string,
  path: string,
  operation: string,
  parse: (text: string) => unknown = parseModestJson,
): unknown {
  try {
    return parse(text);
  } catch (error) {
    const found = excerpt((error as Error).message);
    throw new FileError({ operation, file: path, what: 'the file', expected: 'JSON', found });
  }
}

/** Reads and parses a JSON file as Python writes it. @throws FileError */
export async function readJsonFile(folder: string, name: string, operation: string): Promise<unknown> {
  const path = join(folder, name);
  return parseJson(await readTextFile(path, operation), path, operation, parsePythonJson);
}

/** The text of a file of the folder, or undefined where there is none. @throws FileError */
export async function readOptionalText(
  folder: string,
  name: string,
  operation: string,
): Promise<string | undefined> {
  try {
    return await readTextFile(join(folder, name), operation);
  } catch (error) {
    if (error instanceof FileError && error.found === 'ENOENT') return undefined;
    throw error;
  }
}
