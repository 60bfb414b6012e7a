/** JSON files of a checkpoint folder. */
import { quote } from './quote.js';
import { join } from 'node:path';
import { FileError } from './file-error.js';
import { parseModestJson, parsePythonJson } from './json.js';
import { readTextFile } from './whole-file.js';

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
    const found = quote((error as Error).message);
    throw new FileError({ operation, file: path, what: 'the file', expected: 'JSON', found });
  }
}

/** Reads and parses a JSON file as Python writes it. @throws FileError */
export async function readJsonFile(folder: string, name: string, operation: string): Promise<unknown> {
  const path = join(folder, name);
  return parseJson(await readTextFile(path, operation), path, operation, parsePythonJson);
}
