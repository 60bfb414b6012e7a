/** What readers set out to do, as the cells that they write. */

export interface Story {
  name: string;
  code: string;
  /** The most lines that it may take. */
  lines: number;
  /** What the cell shows when it has worked. */
  shows: RegExp;
  charts: number;
}

/** Small enough for a moment's training. */
export const STORY_SETUP = `import {
  bitDense, compare, fit, likeliest, loadModel, loadTraining, openCorpus, overlay, perfectLosses, QuantizerDraws, show, table, Tensor, ZipfFacts,
} from '../lib';
import { bodyParameters, choosePreset, configurationA, readRecorded, rerun, scalingResults, sizeFigure } from '../experiments';
const training = await loadTraining();
const { tf } = training;
const corpus = await openCorpus('my/book.txt');
const small = { ...configurationA(true), hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, vocab_size: corpus.vocabSize };
const brief = { steps: 12, batch: 2, context: 32, evaluateEvery: 6, validationWindows: 4 };`;

export const STORIES: Story[] = [
  {
    name: 'two learning rates on one chart, live',
    code: `const slow = await fit(training.createModel(small, 1), corpus, { ...brief, rate: 1e-3, name: '1e-3' });
const fast = await fit(training.createModel(small, 1), corpus, { ...brief, rate: 1e-2, name: '1e-2', beside: [slow] });`,
    lines: 8,
    shows: /^step 12 of 12/m,
    charts: 2,
  },
  {
    name: 'an own stochastic quantizer of five levels, trained, saved, resumed',
    code: `const fiveLevels = (weights: Tensor, { uniform }: QuantizerDraws) => {
  const scale = weights.abs().mean();
  return weights.div(scale).mul(2).add(uniform()).floor().clipByValue(-2, 2).div(2).mul(scale);
};
const five = () => training.createModel(small, 1, { weightQuantizer: fiveLevels });
await fit(five(), corpus, { ...brief, diagnostics: true, folder: 'my/runs/five' });
await fit(five(), corpus, { ...brief, diagnostics: true, folder: 'my/runs/five', steps: 18 });`,
    lines: 12,
    shows: /12 of 12[\s\S]*18 of 18/,
    charts: 2,
  },
  {
    name: 'diagnostics of runs beside each other',
    code: `await compare(['my/runs/five', slow, fast], { what: ['loss', 'gradient norm', 'zeros'] });`,
    lines: 1,
    shows: /^/,
    charts: 3,
  },
  {
    name: 'bitDense in a small classifier',
    code: `const net = tf.sequential();
net.add(bitDense({ units: 16, activation: 'relu', inputShape: [2] }));
net.add(bitDense({ units: 2, activation: 'softmax' }));
net.compile({ optimizer: tf.train.adam(0.03), loss: 'categoricalCrossentropy' });
const x = tf.randomNormal([200, 2], 0, 1, 'float32', 1);
const y = tf.oneHot(x.sum(1).greater(0).cast('int32'), 2);
await net.fit(x, y, { epochs: 30, verbose: 0 });
const guess = net.predict(x) as Tensor;
const right = guess.argMax(1).equal(y.argMax(1)).mean().dataSync()[0];
console.log('most are right:', right > 0.9);`,
    lines: 12,
    shows: /most are right: true/,
    charts: 0,
  },
  {
    name: 'an own size beside the recorded ones',
    code: `const recorded = (await readRecorded('scaling-law')).runs;
const neighbour = recorded.find(({ role, arm, corpus }) => role === 'final' && arm === 'b1.58' && corpus.name === 'zipf-facts')!;
const language = new ZipfFacts({ vocabSize: 128, exponent: 1.5, noise: 0.1, startToken: true });
const mine = training.createModel({ ...neighbour.model, hidden_size: 24, intermediate_size: 64, head_dim: 12 }, 1);
await fit(mine, language, { ...neighbour.training, steps: 12, name: 'mine' });
const loss = mine.losses(language, 'validation', 512, 6).lossByKind!.v - perfectLosses(language, 512, 6).v;
show(overlay(sizeFigure(scalingResults(recorded)[0], 'b1.58'), { x: [bodyParameters(mine.config)], y: [loss] }));`,
    lines: 8,
    shows: /^step 12 of 12/m,
    charts: 2,
  },
  {
    name: 'a saved model opened: its text, and what it thinks comes next',
    code: `const writer = await loadModel('../data/bitlm-shakespeare');
for await (const { text } of writer.generate('ROMEO:', { maxTokens: 20, seed: 1 })) process.stdout.write(text);
const logits = await writer.logits(writer.tokenizer.encode('But soft, what light through yonder window'));
const next = likeliest(logits.subarray(-writer.config.vocab_size), 3);
show(table(next.map(({ id, probability }) => ({ token: JSON.stringify(writer.tokenizer.decode([id])), probability }))));`,
    lines: 6,
    shows: /probability[\s\S]*","\s+0\.\d+/,
    charts: 0,
  },
  {
    name: 'the preset, chosen in a cell',
    code: `console.log('here', choosePreset(), 'there', choosePreset('full'));`,
    lines: 1,
    shows: /here smoke there full/,
    charts: 0,
  },
  {
    name: 'runs of an experiment, with a line that tells how far they are',
    code: `const again = await rerun('quantization-ablation', 'smoke', { only: ({ name }) => /^b1.58-lr0.0(06|12)-tune/.test(name) });
console.log('finished:', again.length);`,
    lines: 2,
    shows: /2 of 2 runs done\s+finished: 2/,
    charts: 0,
  },
];
