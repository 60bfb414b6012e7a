/** What goes wrong in a reader's cell, in a kernel as Jupyter starts it: a message in the reader's words, and the kernel lives. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KernelClient } from '../scripts/kernel/kernel-client.js';

/** Loading TensorFlow on a machine that does other things too. */
const CELL_TIMEOUT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'bitnet-bad-input-'));
const run = JSON.stringify(join(folder, 'run'));
let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start(CELL_TIMEOUT_MS);
  const { reply } = await kernel.run(`
    import { fit, loadTraining, show, table, Tensor, ZipfFacts } from '../lib';
    import { readRecorded } from '../experiments';
    const training = await loadTraining();
    const { tf } = training;
    const corpus = new ZipfFacts({ vocabSize: 128, exponent: 1.5, noise: 0.1 });
    const config = { ...(await readRecorded('scaling-law')).runs[0].model, bitlm: undefined, quantization_config: {
      quant_method: 'bitnet' as const, linear_class: 'autobitlinear' as const, quantization_mode: 'online' as const } };
    const brief = { steps: 4, batch: 4, context: 6, validationWindows: 8 };
    const sign = (w: Tensor): Tensor => w.sign().mul(w.abs().mean());
    const model = training.createModel(config, 1);
    await fit(training.createModel(config, 1, { weightQuantizer: sign }), corpus, { ...brief, folder: ${run} });`);
  if (reply.status !== 'ok') throw new Error(reply.traceback.join('\n'));
}, CELL_TIMEOUT_MS);
afterAll(async () => {
  await kernel?.end();
  rmSync(folder, { recursive: true, force: true });
});

describe('a message in the words of the reader, and a kernel that lives', () => {
  it.each([
    [
      'a quantizer that returns another shape',
      'training.createModel(config, 1, { weightQuantizer: (w: Tensor) => w.mean() })',
      /^Error: weightQuantizer: the function must return a value for each that it gets, \[4, 24\], got \[\]/,
    ],
    [
      'a quantizer that returns NaN',
      'training.createModel(config, 1, { weightQuantizer: (w: Tensor) => w.div(0).sub(w.div(0)) })',
      /^Error: weightQuantizer: the function must return finite values, got NaN/,
    ],
    [
      'a quantizer with a gradient of zero',
      `const flat = tf.customGrad((w) => ({ value: w.round(), gradFunc: (dy) => tf.zerosLike(dy) }));
       training.createModel(config, 1, { weightQuantizer: flat });`,
      /^Error: weightQuantizer: .* brings its own gradient, which must be finite and not zero everywhere/,
    ],
    [
      'a quantizer that returns no tensor',
      'training.createModel(config, 1, { weightQuantizer: (() => 5) as any })',
      /^Error: weightQuantizer: the function must return a tensor, got/,
    ],
    [
      'a run folder made with another quantizer',
      `const other = (w: Tensor): Tensor => w.sign();
       await fit(training.createModel(config, 1, { weightQuantizer: other }), corpus, { ...brief, folder: ${run} });`,
      /weight_?quantizer.*sign [\da-f]+.*other [\da-f]+|other [\da-f]+.*sign [\da-f]+/is,
    ],
    ['a table of unequal rows', 'show(table([{ a: 1 }, { b: 2 }]))', /^TableError: table: row 2 must have/],
    ['a name of a cell that has not run', 'fit(later, corpus)', /^1:5 - Cannot find name 'later'/],
  ])(
    '%s',
    async (_, code, message) => {
      const { reply } = await kernel.run(code);
      expect(reply.status).toBe('error');
      const shown = reply.traceback.join('\n');
      expect(shown).toMatch(message);
      expect(shown).not.toMatch(/evalmachine|tslab|node:internal/);
      expect((await kernel.run("'alive'")).text).toBe('alive\n');
    },
    CELL_TIMEOUT_MS,
  );

  it(
    'the line of the reader is named, however deep in the library the fault lies',
    async () => {
      const { reply } = await kernel.run(
        'const mean = (w: Tensor): Tensor => w.mean();\ntraining.createModel(config, 1, { weightQuantizer: mean });',
      );
      expect(reply.traceback.at(-1)!.trim()).toBe(
        'line 2: training.createModel(config, 1, { weightQuantizer: mean });',
      );
    },
    CELL_TIMEOUT_MS,
  );

  it(
    'a training run twice is told to be done, and goes on with more steps',
    async () => {
      const train = (steps: number): string => `await fit(model, corpus, { ...brief, steps: ${steps} });`;
      expect((await kernel.run(train(4))).text).toContain('step 4 of 4');
      expect((await kernel.run(train(4))).text).toContain('already trained for 4 steps; give more steps');
      expect((await kernel.run(train(6))).text).toContain('step 6 of 6');
    },
    CELL_TIMEOUT_MS,
  );

  it(
    'two trainings of one model at once',
    async () => {
      const { reply } = await kernel.run(
        'const long = { ...brief, steps: 40 };\nawait Promise.all([fit(model, corpus, long), fit(model, corpus, long)]);',
      );
      expect(reply.traceback.join('\n')).toMatch(
        /^Error: fit: a model must be trained by one call at a time/,
      );
      expect((await kernel.run("'alive'")).text).toBe('alive\n');
    },
    CELL_TIMEOUT_MS,
  );
});
