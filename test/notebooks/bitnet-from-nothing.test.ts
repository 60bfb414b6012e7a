/** Notebook 0's own cells, run: what they build from nothing is the library's, value for value. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import * as experiments from '../../experiments/index.js';
import type { Tensor } from '../../lib/index.js';
import * as lib from '../../lib/index.js';
import type { Layers } from '../../lib/training/layer-functions.js';

const NOTEBOOK = fileURLToPath(new URL('../../notebooks/0-bitlinear.ipynb', import.meta.url));
/** The tag of cells that build; `setup` imports. */
const TAG = 'nothing';
const MOST_LINES = 120;
const MOST_LINES_OF_A_CELL = 15;
const LARGEST_DIFFERENCE = 1e-6;

interface Cell {
  cell_type: string;
  source: string[];
  metadata: { tags?: string[] };
}

const { cells } = JSON.parse(readFileSync(NOTEBOOK, 'utf8')) as { cells: Cell[] };
const tagged = (...tags: string[]): Cell[] =>
  cells.filter(({ metadata }) => metadata.tags?.some((tag) => tags.includes(tag)));

/** What the cells define, as far as it is called here. */
interface Built {
  tf: lib.TensorFlow;
  layers: Layers;
  bitLinear(x: Tensor, weight: Tensor): Tensor;
  rmsNorm(x: Tensor, gain: Tensor): Tensor;
  attention(q: Tensor, k: Tensor, v: Tensor): Tensor;
  block(x: Tensor, layer: number, parameters: Map<string, Tensor>): Tensor;
  logits(ids: Tensor, parameters: Map<string, Tensor>): Tensor;
  parameters: Map<string, Tensor>;
  example: lib.TrainableModel;
  corpus: lib.Corpus;
  myLosses: number[];
  libraryLosses: number[];
}

/** Runs cells one after the other, as the kernel does, by the kernel's own compiler. */
async function run(chosen: readonly Cell[], names: readonly (keyof Built)[]): Promise<Built> {
  const require = createRequire(import.meta.url);
  const typescript = require('@tslab/typescript-for-tslab') as {
    transpileModule(source: string, options: object): { outputText: string };
  };
  const source = chosen.map((cell) => cell.source.join('')).join('\n');
  const { outputText } = typescript.transpileModule(source, {
    compilerOptions: { module: 'commonjs', target: 'es2022' },
  });
  // oxlint-disable-next-line typescript/no-implied-eval -- the cells are the project's own, and are what is tested
  const body = new Function(
    'require',
    'exports',
    `return (async () => { ${outputText}\nreturn { ${names.join(', ')} }; })();`,
  ) as (require: (path: string) => unknown, exports: object) => Promise<Built>;
  return body((path) => ({ '../lib': lib, '../experiments': experiments })[path], {});
}

describe('BitNet from nothing', () => {
  let built: Built;
  const printed: string[] = [];

  beforeAll(async () => {
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(String(line)));
    try {
      built = await run(tagged('setup', TAG), [
        'tf',
        'layers',
        'bitLinear',
        'rmsNorm',
        'attention',
        'block',
        'logits',
        'parameters',
        'example',
        'corpus',
        'myLosses',
        'libraryLosses',
      ]);
    } finally {
      log.mockRestore();
    }
  }, 120_000);

  const difference = (a: Tensor, b: Tensor): number => {
    expect(a.shape).toEqual(b.shape);
    return a.sub(b).abs().max().dataSync()[0];
  };

  it(`takes at most ${MOST_LINES} lines, in cells of at most ${MOST_LINES_OF_A_CELL}`, () => {
    const lines = tagged(TAG).map(({ source }) => source.length);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MOST_LINES);
    for (const { source } of cells.filter((cell) => cell.cell_type === 'code')) {
      expect(source.length).toBeLessThanOrEqual(MOST_LINES_OF_A_CELL);
    }
  });

  it('checks each part against the library, and finds it the same', () => {
    const checks = printed.filter((line) => line.includes('differs from the library'));
    expect(checks.length).toBeGreaterThanOrEqual(14);
    for (const line of checks) {
      const found = /differs from the library by ([\d.e+-]+)$/.exec(line);
      expect(Number(found?.[1]), line).toBeLessThanOrEqual(LARGEST_DIFFERENCE);
    }
  });

  it.each([1, 2, 3])(
    'builds BitLinear, attention and a block that are the library’s on other values, %i',
    (seed) => {
      const { tf, layers, example, parameters } = built;
      const normal = (shape: number[], from: number): Tensor =>
        tf.randomNormal(shape, 0, 1, 'float32', 100 * seed + from);
      const [x, weight, gain] = [normal([24, 64], 1), normal([40, 64], 2).mul(0.1), normal([64], 3)];
      expect(
        difference(built.bitLinear(built.rmsNorm(x, gain), weight), layers.bitLinear(x, weight, gain)),
      ).toBeLessThan(LARGEST_DIFFERENCE * 10); // values around 10
      const [q, k, v] = [4, 5, 6].map((from) => normal([4, 2, 32, 16], from));
      expect(difference(built.attention(q, k, v), layers.attention(q, k, v))).toBeLessThan(
        LARGEST_DIFFERENCE,
      );
      const hidden = normal([128, 32], 7);
      expect(
        difference(built.block(hidden, 1, parameters), layers.block(withWeights(example), 1, hidden, 4)),
      ).toBeLessThan(LARGEST_DIFFERENCE);
    },
  );

  it('trains ten steps to the library’s losses and weights', () => {
    const { myLosses, libraryLosses, example, parameters, tf, layers, corpus } = built;
    expect(libraryLosses).toHaveLength(10);
    expect(libraryLosses[9]).toBeLessThan(libraryLosses[0] - 0.2);
    myLosses.forEach((loss, step) => {
      expect(Math.abs(loss - libraryLosses[step])).toBeLessThan(LARGEST_DIFFERENCE);
    });
    for (const { name, shape, data } of example.tensors()) {
      expect(difference(parameters.get(name)!, tf.tensor(data, [...shape]))).toBeLessThan(
        2 * LARGEST_DIFFERENCE,
      );
    }
    const ids = tf.tensor1d(Int32Array.from(corpus.sampleBatch(77, 3, 4, 32).inputs), 'int32');
    expect(difference(built.logits(ids, parameters), layers.logits(example, ids, 4))).toBeLessThan(1e-4);
  });

  /** The library's model after its ten steps stands beside ours after ours. */
  function withWeights(model: lib.TrainableModel): lib.TrainableModel {
    return model.changed({
      weights: new Map(Array.from(built.parameters, ([name, w]) => [name, w.dataSync() as Float32Array])),
    });
  }
});
