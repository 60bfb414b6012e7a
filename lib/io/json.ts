/**
 * JSON out of files, looked at before it is parsed: 64 MB of brackets parse into gigabytes of empty lists, and nesting
 * without end exhausts the stack of code that walks through it.
 */

/** Deepest nesting of lists and objects; real files have less than ten. */
const MAX_DEPTH = 100;
/** Most values; the largest tokenizer.json in use has two million. */
const MAX_VALUES = 4_000_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Parses JSON of modest size.
 * @throws SyntaxError for text that is no JSON, or nests too deep, or has too many values
 */
export function parseModestJson(text: string): unknown {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at);
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        values += 1;
        depth += 1;
        if (depth > MAX_DEPTH) throw new SyntaxError(`lists in lists, more than ${MAX_DEPTH} deep`);
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth -= 1;
        break;
      case COMMA:
        values += 1;
        break;
    }
    if (values > MAX_VALUES) throw new SyntaxError(`more than ${MAX_VALUES} values`);
  }
  return JSON.parse(text) as unknown;
}

/** Where the text in quotes that begins at `start` ends: its closing quote, or the end of everything. */
export function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Numbers that Python's `json` writes and reads, and JSON does not have. */
const PYTHON_NUMBERS = ['-Infinity', 'Infinity', 'NaN'] as const;

/**
 * Parses what Python's `json` writes. NaN and the infinities become texts of that name: what reads such a field refuses
 * it like any other text in the place of a number, and a field that nothing reads does no harm.
 * @throws SyntaxError
 */
export function parsePythonJson(text: string): unknown {
  if (!PYTHON_NUMBERS.some((word) => text.includes(word))) return parseModestJson(text);
  let json = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) === QUOTE) at = endOfText(text, at);
    const word = PYTHON_NUMBERS.find((number) => text.startsWith(number, at));
    if (word === undefined) continue;
    json += `${text.slice(from, at)}"${word}"`;
    from = at + word.length;
    at = from - 1;
  }
  return parseModestJson(json + text.slice(from));
}
