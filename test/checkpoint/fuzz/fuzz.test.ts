import { describe, expect, it } from 'vitest';
import { FUZZ_FORMATS } from './formats.js';
import { fuzz } from './run.js';

// `npm run fuzz` sets these; a plain test run takes a few of each.
const { FUZZ_FORMAT, FUZZ_COUNT = '300', FUZZ_SEED = '1' } = process.env;
const count = Number(FUZZ_COUNT);
const formats = FUZZ_FORMATS.filter((format) => FUZZ_FORMAT === undefined || FUZZ_FORMAT === format);

/** Reading may hold a file a few times over, in bytes, values and what waits for the garbage collector. */
const MAX_BYTES_HELD = 64 * 2 ** 20;
const MAX_PEAK_GROWTH = 512 * 2 ** 20;

describe('checkpoint readers', () => {
  for (const format of formats) {
    it(
      `refuse damaged files of ${format} in proper form, or read them with every promise kept`,
      async () => {
        const report = await fuzz(format, count, Number(FUZZ_SEED));
        if (FUZZ_FORMAT !== undefined) console.log(report);
        expect(report.accepted + report.refused).toBe(count);
        expect(report.mostBytesHeld).toBeLessThan(MAX_BYTES_HELD);
        expect(report.peakGrowth).toBeLessThan(MAX_PEAK_GROWTH);
      },
      60_000 + 100 * count,
    );
  }
});
