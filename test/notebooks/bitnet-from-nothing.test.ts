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
/** Of losses after several steps: a rounding that falls on the other side, which the last bit decides, moves them by some 1e-5. */
const LARGEST_AFTER_STEPS = 1e-4;
/** Models and values that are tried. */
const SEEDS = 9;

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
  training: lib.Training;
  tf: lib.TensorFlow;
  layers: Layers;
  bitLinear: (x: Tensor, weight: Tensor) => Tensor;
  rmsNorm: (x: Tensor, gain: Tensor) => Tensor;
  attention: (q: Tensor, k: Tensor, v: Tensor) => Tensor;
  block: (x: Tensor, layer: number, parameters: Map<string, Tensor>) => Tensor;
  logits: (ids: Tensor, parameters: Map<string, Tensor>) => Tensor;
  trainingStep: (t: number, rate: number) => number;
  small: lib.ModelConfig;
  corpus: lib.Corpus;
  parameters: Map<string, Tensor>;
  moments: { first: Tensor; second: Tensor }[];
  tenSteps: lib.TrainingOptions;
  myLosses: number[];
  theirLosses: number[];
}

/** Runs cells one after the other, as the kernel does, by the kernel's own compiler. */
async function run(chosen: readonly Cell[]): Promise<Built> {
  const require = createRequire(import.meta.url);
  const typescript = require('@tslab/typescript-for-tslab') as {
    transpileModule(source: string, options: object): { outputText: string };
  };
  const source = chosen.map((cell) => cell.source.join('')).join('\n');
  const { outputText } = typescript.transpileModule(source, {
    compilerOptions: { module: 'commonjs', target: 'es2022' },
  });
  const names: (keyof Built)[] = [
    'training',
    'tf',
    'layers',
    'bitLinear',
    'rmsNorm',
    'attention',
    'block',
    'logits',
    'trainingStep',
    'small',
    'corpus',
    'parameters',
    'moments',
    'tenSteps',
    'myLosses',
    'theirLosses',
  ];
  // oxlint-disable-next-line typescript/no-implied-eval -- the cells are the project's own, and are what is tested
  const body = new Function(
    'require',
    'exports',
    `return (async () => { ${outputText}\nreturn { ${names.join(', ')} }; })();`,
  ) as (require: (path: string) => unknown, exports: object) => Promise<Built>;
  const modules: Record<string, unknown> = { '../lib': lib, '../experiments': experiments };
  return body((path) => modules[path], {});
}

describe('BitNet from nothing', () => {
  let built: Built;
  const printed: string[] = [];

  beforeAll(async () => {
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(String(line)));
    try {
      built = await run(tagged('setup', TAG));
    } finally {
      log.mockRestore();
    }
  }, 120_000);

  /** Largest difference of two tensors, as a part of the largest value. */
  const difference = (mine: Tensor, library: Tensor): number => {
    expect(mine.shape).toEqual(library.shape);
    const largest = (x: Tensor): number => x.abs().max().dataSync()[0];
    return largest(mine.sub(library)) / largest(library);
  };

  /**
   * The middle of many differences. A value that lies within the last bit of a rounding border may fall to its other side
   * in one of the two; that moves a token in the third digit, in about one forward pass of five.
   */
  const middle = (measure: (seed: number) => number): number =>
    Array.from({ length: SEEDS }, (_, i) => measure(i + 1)).sort((a, b) => a - b)[Math.floor(SEEDS / 2)];

  it(`takes at most ${MOST_LINES} lines, in cells of at most ${MOST_LINES_OF_A_CELL}`, () => {
    const lines = tagged(TAG).map(({ source }) => source.length);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MOST_LINES);
    for (const { source } of cells.filter((cell) => cell.cell_type === 'code')) {
      expect(source.length).toBeLessThanOrEqual(MOST_LINES_OF_A_CELL);
    }
  });

  it('checks each part against the library, and finds it the same', () => {
    const checks = printed.flatMap((line) => {
      const found = /^(.*): differs from the library by ([\d.e+-]+)$/.exec(line);
      return found ? [{ part: found[1], by: Number(found[2]) }] : [];
    });
    expect(checks.map(({ part }) => part)).toEqual([
      'absmean',
      'absmax',
      'straight-through, values',
      'RMSNorm',
      'BitLinear',
      'gradient of input',
      'gradient of weights',
      'gradient of gain',
      'rotary positions',
      'attention',
      'squared ReLU',
      'block',
      'logits',
      'loss',
      'losses of ten steps',
    ]);
    for (const { part, by } of checks) {
      const most = part === 'losses of ten steps' ? LARGEST_AFTER_STEPS : LARGEST_DIFFERENCE;
      expect(by, part).toBeLessThanOrEqual(most);
    }
  });

  it('builds BitLinear with its gradients', () => {
    const { tf, layers, bitLinear, rmsNorm } = built;
    const by = middle((seed) => {
      const inputs = [
        tf.randomNormal([24, 64], 0, 1, 'float32', seed),
        tf.randomNormal([40, 64], 0, 0.1, 'float32', seed + 100),
        tf.randomNormal([64], 1, 0.2, 'float32', seed + 200),
      ];
      const upstream = tf.randomNormal([24, 40], 0, 1, 'float32', seed + 300);
      const mine = tf.grads((x, w, gain) => bitLinear(rmsNorm(x, gain), w))(inputs, upstream);
      const theirs = tf.grads((x, w, gain) => layers.bitLinear(x, w, gain))(inputs, upstream);
      const [x, w, gain] = inputs;
      return Math.max(
        difference(bitLinear(rmsNorm(x, gain), w), layers.bitLinear(x, w, gain)),
        ...mine.map((gradient, i) => difference(gradient, theirs[i])),
      );
    });
    expect(by).toBeLessThan(LARGEST_DIFFERENCE);
  });

  it('builds attention, a block and the model', () => {
    const { tf, layers, attention, block, logits, small } = built;
    const by = middle((seed) => {
      const normal = (shape: number[], from: number): Tensor =>
        tf.randomNormal(shape, 0, 1, 'float32', 100 * seed + from);
      const model = built.training.createModel(small, seed);
      const parameters = parametersOf(model);
      const [q, k, v] = [1, 2, 3].map((from) => normal([4, 2, 32, 16], from));
      const hidden = normal([128, 32], 4);
      const { inputs } = built.corpus.sampleBatch(seed, 9, 4, 32);
      const ids = tf.tensor1d(Int32Array.from(inputs), 'int32');
      return Math.max(
        difference(attention(q, k, v), layers.attention(q, k, v)),
        difference(block(hidden, 1, parameters), layers.block(model, 1, hidden, 4)),
        difference(logits(ids, parameters), layers.logits(model, ids, 4)),
      );
    });
    expect(by).toBeLessThan(LARGEST_DIFFERENCE);
  });

  it('trains ten steps to the library’s losses', () => {
    const { myLosses, theirLosses } = built;
    expect(theirLosses).toHaveLength(10);
    expect(theirLosses[9]).toBeLessThan(theirLosses[0] - 0.2);
    myLosses.forEach((loss, step) => {
      // The first two losses come before any rounding can have gone another way.
      const most = step < 2 ? LARGEST_DIFFERENCE : LARGEST_AFTER_STEPS;
      expect(Math.abs(loss - theirLosses[step])).toBeLessThan(most);
    });
  });

  it('makes a step to the library’s weights', async () => {
    const { training, corpus, small, tenSteps, parameters, moments, tf } = built;
    const differences: number[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const model = training.createModel(small, seed);
      for (const [name, weights] of parametersOf(model)) parameters.set(name, weights);
      for (const moment of moments) moment.first = moment.second = tf.scalar(0);
      built.trainingStep(1, tenSteps.schedule.peak / 2);
      for await (const { step } of training.train(model, corpus, tenSteps)) if (step === 1) break;
      // Over all weights of the model: AdamW divides by the gradient's size, so one of 1e-8 leaves no digit of its own.
      const squares = (x: Tensor): number => x.square().sum().dataSync()[0];
      let [off, all] = [0, 0];
      for (const [name, weights] of parametersOf(model)) {
        off += squares(parameters.get(name)!.sub(weights));
        all += squares(weights);
      }
      differences.push(Math.sqrt(off / all));
    }
    expect(middle((seed) => differences[seed - 1])).toBeLessThan(LARGEST_DIFFERENCE);
  });

  function parametersOf(model: lib.TrainableModel): Map<string, Tensor> {
    return new Map(model.tensors().map(({ name, shape, data }) => [name, built.tf.tensor(data, [...shape])]));
  }
});
