/** Finds what `JSON.parse` hides: of two entries with the same key it keeps the last, and says nothing. */
import { endOfText } from '../../io/json.js';

/**
 * The first key that an object of the text has twice, at any depth.
 * @param json valid JSON
 */
export function repeatedKey(json: string): string | undefined {
  /** Keys of the objects that are open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let [start, end] = [0, 0];
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(undefined);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"':
        start = at;
        at = end = endOfText(json, at);
        break;
      case ':': {
        const keys = open.at(-1)!;
        const key = JSON.parse(json.slice(start, end + 1)) as string; // the same key can be spelled with escapes
        if (keys.has(key)) return key;
        keys.add(key);
        break;
      }
    }
  }
  return undefined;
}
