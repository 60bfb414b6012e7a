/** What notebooks read of the experiments: their configurations, the sweep, and recorded results. */
export { ARMS, findArm, type Arm } from './ablation-arms.js';
export { ablationClaims } from './ablation-claims.js';
export {
  armCurves,
  bitsFigure,
  diagnosticFigure,
  differenceFigure,
  gradientFigure,
  latentFigure,
  table4Figure,
} from './ablation-figures.js';
export { armResults, isInsideGrid, resultOf, tunedRate, type ArmResult } from './ablation-results.js';
export { ablationTable, table4, type Table4Row } from './ablation-table.js';
export { configurationA, embeddedConfiguration } from './bitlm.js';
export { inferenceClaims, recordedTokenMs, type InferenceFindings } from './inference-claims.js';
export {
  CONFIG_2B4T,
  readInferenceRecord,
  type InferenceMeasurement,
  type InferenceRecord,
  type PartRecord,
} from './inference-2b4t.js';
export { LocalEngine } from './engines/local.js';
export type { Engine, RunProgress, RunTask } from './engines/engine.js';
export type { Experiment } from './experiment.js';
export { EXPERIMENTS, findExperiment } from './experiments.js';
export { ablationModel, ablationTraining } from './quantization-ablation.js';
export { readRecorded, RUNS_FOLDER, type RecordedResults } from './recorded.js';
export {
  PRESETS,
  type CurvePoint,
  type FinishedRun,
  type Preset,
  type RunResult,
  type RunSpec,
} from './run-spec.js';
export { sweep, type SweepEvent, type SweepOptions, type SweepOutcome } from './sweep.js';
