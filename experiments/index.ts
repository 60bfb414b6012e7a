/**
 * What notebooks read of the experiments: their configurations, the sweep, and recorded results. Sweeps on a Ray cluster are
 * left to the command: they outlive a kernel, and a notebook reads what they recorded.
 */
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
export { fp16Claims } from './fp16-claims.js';
export {
  attentionShareFigure,
  energyRatioFigure,
  gapFigure,
  latencyFigure,
  pairsFigure,
  postTrainingFigure,
} from './fp16-figures.js';
export {
  atEqualBudget,
  bytesBudget,
  gapTrend,
  pairsOf,
  type BudgetOf,
  type EqualBudget,
  type Pair,
} from './fp16-pairs.js';
export {
  inferenceClaims,
  inferenceFindings,
  recordedTokenMs,
  type InferenceFindings,
} from './inference-claims.js';
export {
  readInferenceRecord,
  type InferenceMeasurement,
  type InferenceRecord,
  type PartRecord,
} from './inference-2b4t.js';
export { LocalEngine } from './engines/local.js';
export type { Engine, RunProgress, RunTask } from './engines/engine.js';
export type { Experiment } from './experiment.js';
export { EXPERIMENTS, findExperiment } from './experiments.js';
export { B158_TABLE_1, B158_THROUGHPUT, B1_TABLE_3, type B158Row } from './paper-tables.js';
export {
  bestAt,
  postTrainingOf,
  PTQ_METHODS,
  type PostTraining,
  type PtqCell,
  type PtqMethod,
} from './post-training-table.js';
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
export { scalingClaims } from './scaling-claims.js';
export {
  sizeGapFigure,
  shakespeareFigure,
  shiftFigure,
  sizeCurvesFigure,
  tokensFigure,
} from './scaling-figures.js';
export { excessFigure, predictionFigure, profileFigure } from './scaling-fit-figures.js';
export { gapsBySize, sizeGapTrend, type GapAtSize } from './scaling-gap.js';
export { scalingResults, type KeyExcess, type ScalingResults, type SizeCurve } from './scaling-results.js';
export { sweep, type SweepEvent, type SweepOptions, type SweepOutcome } from './sweep.js';
export { formulaClaims, latencyClaims, named, reservedForBatch, tokenMs } from './shape-claims.js';
export { findMeasurement, readShapes, type ShapesRecord } from './shape-speeds.js';
