/** Ways to damage a file. Each gives new bytes and says where the damage begins and ends, if it kept all places. */
import type { Random } from './random.js';

/** A damaged file. */
export interface Mutated {
  bytes: Buffer;
  /** What was done, for the report of a failure. */
  what: string;
  /** True if no byte before `dataStart` changed and the length is the same: the values alone differ. */
  payloadOnly: boolean;
}

/** A number in a binary header: where it stands, and how wide it is. */
export interface HeaderField {
  at: number;
  bytes: 4 | 8;
}

/** Numbers at the edges of what integers, floats and memory can hold. */
const NASTY = [
  0n,
  1n,
  2n,
  3n,
  31n,
  32n,
  33n,
  255n,
  256n,
  2n ** 16n,
  2n ** 24n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const NASTY_JSON = [
  ...NASTY.map(String),
  '-1',
  '-0',
  '0.5',
  '1e308',
  '1e400',
  '-1e400',
  'null',
  'true',
  '""',
  '"256"',
  '[]',
  '{}',
  '[0]',
  '[0,0]',
  `${'['.repeat(2000)}${']'.repeat(2000)}`,
  'NaN',
  'Infinity',
  '-Infinity',
  '{"constructor":1}',
  `[${'[],'.repeat(1000)}0]`,
];

/** Flips bits, overwrites, cuts, inserts or repeats bytes, in the header or anywhere. */
export function damageBytes(original: Buffer, dataStart: number, random: Random): Mutated {
  const inHeader = random.next() < 0.5;
  const limit = inHeader ? Math.min(dataStart, original.length) : original.length;
  const at = random.below(limit);
  const length = 1 + random.below(random.pick([1, 8, 64, 4096]));
  const end = Math.min(original.length, at + length);
  const bytes = Buffer.from(original);
  const same = { bytes, payloadOnly: at >= dataStart };
  switch (random.below(7)) {
    case 0: {
      const places = Array.from({ length: 1 + random.below(8) }, () => random.below(limit));
      for (const place of places) bytes[place] ^= 1 << random.below(8);
      return {
        bytes,
        what: `flip bits at ${places.join(', ')}`,
        payloadOnly: Math.min(...places) >= dataStart,
      };
    }
    case 1:
      for (let i = at; i < end; i++) bytes[i] = random.below(256);
      return { ...same, what: `random bytes from ${at} to ${end}` };
    case 2:
      bytes.fill(random.pick([0, 0xff, 0x20, 0x55]), at, end);
      return { ...same, what: `fill from ${at} to ${end}` };
    case 3: {
      const from = random.below(limit);
      original.copy(bytes, at, from, Math.min(from + length, original.length));
      return { ...same, what: `copy ${length} bytes from ${from} to ${at}` };
    }
    case 4: {
      const kept = random.pick([at, original.length - 1 - random.below(64), random.below(64)]);
      return {
        bytes: original.subarray(0, Math.max(0, kept)),
        what: `cut off at ${kept}`,
        payloadOnly: false,
      };
    }
    case 5: {
      const parts = [original.subarray(0, at), original.subarray(end)];
      return { bytes: Buffer.concat(parts), what: `take out ${at} to ${end}`, payloadOnly: false };
    }
    default: {
      const parts = [original.subarray(0, at), original.subarray(at, end), original.subarray(at)];
      return { bytes: Buffer.concat(parts), what: `repeat ${at} to ${end}`, payloadOnly: false };
    }
  }
}

/** Gives fields of a binary header other numbers: extreme ones, near ones, or those of other fields. */
export function damageFields(original: Buffer, fields: readonly HeaderField[], random: Random): Mutated {
  const bytes = Buffer.from(original);
  const read = ({ at, bytes: width }: HeaderField): bigint =>
    width === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at));
  const write = ({ at, bytes: width }: HeaderField, value: bigint): void => {
    if (width === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
    else bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), at);
  };
  const what: string[] = [];
  for (let edits = 1 + random.below(3); edits > 0; edits--) {
    const field = random.pick(fields);
    const other = random.pick(fields.filter(({ bytes: width }) => width === field.bytes));
    const before = read(field);
    switch (random.below(4)) {
      case 0:
        write(field, random.pick(NASTY));
        break;
      case 1:
        write(field, before + BigInt(random.pick([-32, -4, -1, 1, 4, 32, 256])));
        break;
      case 2:
        write(field, read(other));
        break;
      default:
        write(field, read(other));
        write(other, before);
    }
    what.push(`${before} at ${field.at} became ${read(field)}`);
  }
  return { bytes, what: what.join('; '), payloadOnly: false };
}

/** Edits JSON text: numbers become extreme ones or trade places, texts and keys change, pieces go or come twice. */
export function damageJson(text: string, random: Random): { text: string; what: string } {
  const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)];
  const texts = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)];
  const replace = (match: RegExpExecArray, by: string): string =>
    text.slice(0, match.index) + by + text.slice(match.index + match[0].length);
  const choice = random.below(7);
  if (choice <= 1 && numbers.length > 0) {
    const match = random.pick(numbers);
    const by =
      choice === 0 ? random.pick(NASTY_JSON) : String(Number(match[0]) + random.pick([-4, -1, 1, 2, 256]));
    return { text: replace(match, by), what: `${match[0]} at ${match.index} became ${by.slice(0, 40)}` };
  }
  if (choice === 2 && numbers.length > 1) {
    const [a, b] = [random.pick(numbers), random.pick(numbers)].sort((x, y) => x.index - y.index);
    const middle = text.slice(a.index + a[0].length, b.index);
    if (a.index === b.index) return { text, what: 'nothing' };
    const swapped = text.slice(0, a.index) + b[0] + middle + a[0] + text.slice(b.index + b[0].length);
    return { text: swapped, what: `swap ${a[0]} at ${a.index} and ${b[0]} at ${b.index}` };
  }
  if (choice <= 4 && texts.length > 0) {
    const match = random.pick(texts);
    const values = [
      '""',
      '"__proto__"',
      '"__metadata__"',
      '"constructor"',
      '"toString"',
      `"${String.raw`\u0041`.repeat(500)}"`,
      '"F64"',
      '"BF16"',
      '"../x.safetensors"',
      '"/etc/passwd"',
      'null',
      '7',
    ];
    const by = choice === 3 ? random.pick(values) : random.pick(texts)[0];
    return {
      text: replace(match, by),
      what: `${match[0].slice(0, 40)} at ${match.index} became ${by.slice(0, 40)}`,
    };
  }
  const at = random.below(text.length);
  const end = Math.min(text.length, at + 1 + random.below(200));
  if (choice === 5) return { text: text.slice(0, at) + text.slice(end), what: `take out ${at} to ${end}` };
  return { text: text.slice(0, end) + text.slice(at), what: `repeat ${at} to ${end}` };
}

/** Gives a tensor the place of another, or lets both trade places. */
function damageOffsets(text: string, random: Random): { text: string; what: string } {
  const places = [...text.matchAll(/"data_offsets":\[\d+,\d+\]/g)];
  const [a, b] = [random.pick(places), random.pick(places)];
  const swap = random.next() < 0.5;
  // Back to front, so that the first replacement does not move the second.
  const edits = [{ at: a, by: b[0] }, ...(swap ? [{ at: b, by: a[0] }] : [])].sort(
    (x, y) => y.at.index - x.at.index,
  );
  let changed = text;
  for (const { at, by } of edits) {
    changed = changed.slice(0, at.index) + by + changed.slice(at.index + at[0].length);
  }
  return { text: changed, what: `${a[0]} became ${b[0]}${swap ? ', and back' : ''}` };
}

/** Damages the JSON header of a safetensors file; its length in front is set right most of the time. */
export function damageSafetensorsHeader(original: Buffer, random: Random): Mutated {
  const length = Number(original.readBigUInt64LE(0));
  const header = original.toString('utf8', 8, 8 + length);
  const damage = random.next() < 0.2 ? damageOffsets : damageJson;
  const { text, what } = damage(header, random);
  const json = Buffer.from(text);
  const start = Buffer.alloc(8);
  const isRight = random.next() < 0.9;
  start.writeBigUInt64LE(isRight ? BigInt(json.length) : random.pick(NASTY));
  const bytes = Buffer.concat([start, json, original.subarray(8 + length)]);
  return { bytes, what: `${what}${isRight ? '' : ', wrong length'}`, payloadOnly: false };
}
