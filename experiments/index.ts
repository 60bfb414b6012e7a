/**
 * What notebooks read of the experiments: their configurations, the sweep, and recorded results. Sweeps on a Ray cluster are
 * left to the command: they outlive a kernel, and a notebook reads what they recorded.
 */
export { ARMS, findArm, type Arm } from './quantization-ablation/arms.js';
export { ablationClaims } from './quantization-ablation/claims.js';
export {
  armCurves,
  bitsFigure,
  diagnosticFigure,
  differenceFigure,
  gradientFigure,
  latentFigure,
  table4Figure,
} from './quantization-ablation/figures.js';
export {
  armResults,
  isInsideGrid,
  resultOf,
  tunedRate,
  type ArmResult,
} from './quantization-ablation/results.js';
export { ablationTable, table4, type Table4Row } from './quantization-ablation/table.js';
export { configurationA, embeddedConfiguration } from './bitlm/experiment.js';
export { fp16Claims } from './fp16-comparison/claims.js';
export {
  attentionShareFigure,
  energyRatioFigure,
  gapFigure,
  latencyFigure,
  pairsFigure,
  postTrainingFigure,
} from './fp16-comparison/figures.js';
export {
  atEqualBudget,
  bytesBudget,
  gapTrend,
  pairsOf,
  type BudgetOf,
  type EqualBudget,
  type Pair,
} from './sizes/pairs.js';
export {
  inferenceClaims,
  inferenceFindings,
  recordedTokenMs,
  type InferenceFindings,
} from './inference-2b4t/claims.js';
export {
  readInferenceRecord,
  type InferenceMeasurement,
  type InferenceRecord,
  type PartRecord,
} from './inference-2b4t/record.js';
export { LocalEngine } from './sweep/engines/local.js';
export type { Engine, RunProgress, RunTask } from './sweep/engines/engine.js';
export type { Experiment } from './sweep/experiment.js';
export { EXPERIMENTS, findExperiment } from './experiments.js';
export { B158_TABLE_1, B158_THROUGHPUT, B1_TABLE_3, type B158Row } from './shapes/paper-tables.js';
export {
  bestAt,
  postTrainingOf,
  PTQ_METHODS,
  type PostTraining,
  type PtqCell,
  type PtqMethod,
} from './fp16-comparison/post-training-table.js';
export { ablationModel, ablationTraining } from './quantization-ablation/experiment.js';
export { readRecorded, RUNS_FOLDER, type RecordedResults } from './record/recorded.js';
export {
  PRESETS,
  type CurvePoint,
  type FinishedRun,
  type Preset,
  type RunResult,
  type RunSpec,
} from './sweep/run-spec.js';
export { scalingClaims } from './scaling-law/claims.js';
export {
  sizeGapFigure,
  shakespeareFigure,
  shiftFigure,
  sizeCurvesFigure,
  tokensFigure,
} from './scaling-law/figures.js';
export { excessFigure, predictionFigure, profileFigure } from './scaling-law/fit-figures.js';
export { gapsBySize, sizeGapTrend, type GapAtSize } from './sizes/gap.js';
export {
  scalingResults,
  type KeyExcess,
  type ScalingResults,
  type SizeCurve,
} from './scaling-law/results.js';
export { sweep, type SweepEvent, type SweepOptions, type SweepOutcome } from './sweep/sweep.js';
export { formulaClaims, latencyClaims, named, reservedForBatch, tokenMs } from './shapes/claims.js';
export { findMeasurement, readShapes, type ShapesRecord } from './shapes/record.js';
