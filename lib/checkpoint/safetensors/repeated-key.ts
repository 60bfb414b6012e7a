/** Finds what `JSON.parse` hides: of two entries with the same key it keeps the last, and says nothing. */

/** The parts of valid JSON that matter here: texts, brackets, and the colon behind each key. */
const RE_PART = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g;

/**
 * The first key that an object of the text has twice, at any depth.
 * @param json valid JSON
 */
export function repeatedKey(json: string): string | undefined {
  /** Keys of the objects that are open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let text = '';
  for (const [part] of json.matchAll(RE_PART)) {
    if (part === '{') open.push(new Set());
    else if (part === '[') open.push(undefined);
    else if (part === '}' || part === ']') open.pop();
    else if (part === ':') {
      const keys = open.at(-1)!;
      const key = JSON.parse(text) as string; // the same key can be spelled with escapes
      if (keys.has(key)) return key;
      keys.add(key);
    } else text = part;
  }
  return undefined;
}
