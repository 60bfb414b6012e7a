/** `Object.groupBy` and `Map.groupBy` for cells on a Node that has none (before 21). */

export function provideGroupBy() {
  define(Object, (items, keyOf) =>
    Object.assign(Object.create(null), Object.fromEntries(grouped(items, keyOf))),
  );
  define(Map, grouped);
}

/**
 * @param {object} constructor
 * @param {(items: Iterable<unknown>, keyOf: (item: unknown, index: number) => any) => unknown} groupBy
 */
function define(constructor, groupBy) {
  if ('groupBy' in constructor) return;
  Object.defineProperty(constructor, 'groupBy', { value: groupBy, configurable: true, writable: true });
}

/**
 * @param {Iterable<unknown>} items
 * @param {(item: unknown, index: number) => unknown} keyOf
 */
function grouped(items, keyOf) {
  /** @type {Map<any, unknown[]>} */
  const groups = new Map();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
