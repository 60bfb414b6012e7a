/** Everything that judges claims: the experiments, by their recorded results. Other measurements add a line here. */
import type { ClaimSource, Experiment } from '../sweep/experiment.js';
import { EXPERIMENTS } from '../experiments.js';
import { INFERENCE_CLAIM_SOURCE } from '../inference-2b4t/claims.js';
import { readRecorded, recordCommand } from '../record/recorded.js';
import { benchCommand } from '../record/measured.js';
import { hasResults } from '../record/results-file.js';
import { latencyClaims } from '../shapes/claims.js';
import { formulaClaims } from '../shapes/formula-claims.js';
import { readShapes } from '../shapes/results.js';

/** In the order in which they are printed. */
export const CLAIM_SOURCES: readonly ClaimSource[] = [
  ...EXPERIMENTS.filter((experiment) => experiment.claims !== undefined).map(ofRuns),
  {
    name: 'latency at the papers’ shapes',
    command: benchCommand('shapes'),
    claims: async () => (hasResults('shapes') ? latencyClaims(await readShapes()) : undefined),
  },
  {
    name: 'memory and energy by formula',
    command: 'npm run claims',
    claims: () => Promise.resolve(formulaClaims()),
  },
  INFERENCE_CLAIM_SOURCE,
];

function ofRuns(experiment: Experiment): ClaimSource {
  const { name } = experiment;
  return {
    name,
    command: recordCommand(name),
    claims: async () => (hasResults(name) ? experiment.claims!((await readRecorded(name)).runs) : undefined),
  };
}
