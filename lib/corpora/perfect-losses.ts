import type { ZipfFacts } from './zipf-facts.js';

/**
 * The losses of a perfect model on the very windows that a model is judged on, nats per token, by kind of position.
 * A sample of a language is a little easier or harder than its entropy (about 0.01 nat for 45,000 values): against these
 * losses all of that noise falls out of a model's excess, which is then the divergence between model and language.
 * @param count number of windows
 * @param context tokens a window
 * @param part of the language that they are windows of
 */
export function perfectLosses(
  language: ZipfFacts,
  count: number,
  context: number,
  part: 'validation' | 'test' = 'validation',
): Record<string, number> {
  const { facts, keyProbabilities, parameters, entropy } = language;
  const { vocabSize, noise } = parameters;
  const wrong = -Math.log(noise / vocabSize);
  const right = -Math.log(1 - noise + noise / vocabSize);
  const windows = // [count, context]
    part === 'test' ? language.testWindows(count, context) : language.validationWindows(count, context);
  const { inputs, targets } = windows;
  const sums = entropy.kinds.map(() => 0);
  const counts = entropy.kinds.map(() => 0);
  for (let at = 0; at < targets.length; at++) {
    const kind = entropy.kindOfTarget(at % context);
    counts[kind]++;
    if (entropy.kinds[kind].name === 'v') {
      sums[kind] += facts[inputs[at - 1] * vocabSize + inputs[at]] === targets[at] ? right : wrong;
    } else {
      sums[kind] -= Math.log(keyProbabilities[targets[at]]);
    }
  }
  return Object.fromEntries(entropy.kinds.map(({ name }, kind) => [name, sums[kind] / counts[kind]]));
}
