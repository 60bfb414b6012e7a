import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bytesByKind } from '../../lib/checkpoint/bytes-by-kind.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { goldenContainer } from '../golden/containers.js';

describe('bytesByKind', () => {
  it('says where the bytes of a GGUF file go, to the last one', async () => {
    const checkpoint = await openCheckpoint(goldenContainer('i2_s'));
    const kinds = await bytesByKind(checkpoint);
    await checkpoint.close();
    // Golden model: 600 tokens, 256 wide, 3 layers, 2 of 4 heads for keys and values, 512 in the feed-forward.
    const weights = 3 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 512);
    expect(kinds.map(({ kind, values }) => [kind, values])).toEqual([
      ['linear layers', weights],
      ['embedding', 600 * 256],
      ['norms', 3 * (3 * 256 + 512) + 256],
      ['rest', 0],
    ]);
    const [layers, embedding] = kinds;
    expect(layers).toMatchObject({ encodings: ['I2_S'], bytes: weights / 4 + 21 * 32 });
    expect(embedding).toMatchObject({ encodings: ['F16'], bytes: 600 * 256 * 2 });
    const { size } = await stat(goldenContainer('i2_s'));
    expect(kinds.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size);
  });
});
