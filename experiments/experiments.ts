/** Every experiment, in the order of the notebooks. A new one is a folder beside this and a line here. */
import { bitlm } from './bitlm/experiment.js';
import type { Experiment } from './sweep/experiment.js';
import { frontier } from './frontier/experiment.js';
import { pilot } from './pilot/experiment.js';
import { quantizationAblation } from './quantization-ablation/experiment.js';
import { findNamed } from './sweep/find-named.js';
import { scalingLaw } from './scaling-law/experiment.js';

export const EXPERIMENTS: readonly Experiment[] = [bitlm, pilot, quantizationAblation, scalingLaw, frontier];

/** @throws Error that names the experiments there are */
export function findExperiment(name: string): Experiment {
  return findNamed('experiment: the name', EXPERIMENTS, name);
}
