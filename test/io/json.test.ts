import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModestJson, parsePythonJson } from '../../lib/io/json.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('JSON of modest size', () => {
  it('is parsed as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), fc.constantFrom(undefined, 1), (value, spaces) => {
        const text = JSON.stringify(value, undefined, spaces);
        const expected = JSON.parse(text) as unknown;
        expect(parseModestJson(text)).toEqual(expected);
        expect(parsePythonJson(text)).toEqual(expected);
      }),
    );
  });

  it('has brackets and commas in its texts', () => {
    const value = { '[[{{"\\': ['[,{', '\\"[', ',,,', '\\\\'], '': '"NaN" Infinity' };
    expect(parseModestJson(JSON.stringify(value))).toEqual(value);
    expect(parsePythonJson(JSON.stringify(value))).toEqual(value);
  });

  it('nests a hundred deep and no deeper', () => {
    expect(parseModestJson(nested(100))).toBeInstanceOf(Array);
    for (const text of [nested(101), '['.repeat(67_108_864), `{"a":${'{"a":'.repeat(200)}`]) {
      expect(() => parseModestJson(text)).toThrow(/lists in lists, more than 100 deep/);
    }
  });

  it('has four million values and no more', () => {
    expect(() => parseModestJson(`[${'[],'.repeat(22_000_000)}[]]`)).toThrow(/more than 4000000 values/);
    expect(() => parseModestJson(`[${'0,'.repeat(5_000_000)}0]`)).toThrow(/more than 4000000 values/);
  });

  it('has texts of any length', () => {
    const text = `"${String.raw`\"`.repeat(8_000_000)}"`;
    expect(parseModestJson(text)).toHaveLength(8_000_000);
  });

  it('is refused as ever where it is none', () => {
    for (const text of ['', '{', '"', '"\\', '[1', '{"a" 1}', 'NaN', ']']) {
      expect(() => parseModestJson(text)).toThrow(SyntaxError);
    }
  });
});

describe('JSON as Python writes it', () => {
  it('gives its numbers by name, and leaves texts alone', () => {
    expect(parsePythonJson('{"a": NaN, "b": [Infinity, -Infinity], "NaN": "-Infinity \\" NaN"}')).toEqual({
      a: 'NaN',
      b: ['Infinity', '-Infinity'],
      NaN: '-Infinity " NaN',
    });
  });

  it('is still refused where it is none', () => {
    for (const text of ['{"a": nan}', '{"a": NaN', '{"a": +Infinity}', '{"a": NaNNaN}', '"NaN']) {
      expect(() => parsePythonJson(text)).toThrow(SyntaxError);
    }
  });
});
