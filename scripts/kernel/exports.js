/** The variables that cells share. */

/**
 * An object in which a later cell may declare again what an earlier one declared. TypeScript defines imports as
 * properties for good; here they become plain ones.
 * @returns {Record<string, unknown>}
 */
export function createExports() {
  return new Proxy(
    {},
    {
      defineProperty(target, name, attributes) {
        if (name === '__esModule' || attributes.configurable)
          return Reflect.defineProperty(target, name, attributes);
        return Reflect.defineProperty(target, name, {
          value: attributes.get ? attributes.get() : attributes.value,
          configurable: true,
          enumerable: true,
          writable: true,
        });
      },
    },
  );
}
