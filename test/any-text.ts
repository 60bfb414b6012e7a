import * as fc from 'fast-check';

/**
 * Any code point but surrogates, ASCII and the basic plane more often. fast-check's own unit `binary` is the same and
 * takes seconds to build.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));

/** Any text that UTF-8 can hold. */
export function anyText(options: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ ...options, unit: anyCharacter });
}
