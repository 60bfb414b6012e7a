/**
 * What notebooks read of the experiments: their configurations, the sweep, and recorded results. Sweeps on a Ray cluster are
 * left to the command: they outlive a kernel, and a notebook reads what they recorded.
 */
export { EXPERIMENTS } from './experiments.js';
export { claimRows } from './record/claim-rows.js';
export { choosePreset } from './sweep/preset.js';
export { rerun } from './rerun.js';

export { LocalEngine } from './sweep/engines/local.js';
export type { Engine, RunProgress, RunTask } from './sweep/engines/engine.js';
export { openCorpusOf } from './sweep/open-corpus.js';
export { configurationA } from './sweep/configurations.js';
export type { Experiment } from './sweep/experiment.js';
export { finalRuns, type FinishedRun, type RunResult } from './sweep/finished-run.js';
export { PRESETS, type Preset, type RunSpec } from './sweep/run-spec.js';
export { byVersion, versionOf } from './sweep/versions.js';
export { sweep, type SweepEvent, type SweepOptions, type SweepOutcome } from './sweep/sweep.js';

export { readExportedRun } from './pytorch/export-run.js';
export { besideRecorded, figureBesideRecorded } from './record/beside-recorded.js';
export { designHistory, readDesign, type Design } from './record/design.js';
export { readRecorded, type RecordedResults } from './record/recorded.js';

export { bitlmClaims } from './bitlm/claims.js';
export { bitlmCurves } from './bitlm/figures.js';
export { passed } from './bitlm/results.js';

export { ARMS, findArm, type Arm } from './quantization-ablation/arms.js';
export { ablationClaims } from './quantization-ablation/claims.js';
export { A, ablationModel, BLOCKS, SMALL } from './quantization-ablation/blocks.js';
export { ablationTraining } from './quantization-ablation/training.js';
export {
  armCurves,
  bitsFigure,
  differenceFigure,
  normsFigure,
  ratesFigure,
  sizesFigure,
  stabilityFigure,
} from './quantization-ablation/figures.js';
export { tunedRate } from './quantization-ablation/rates.js';
export {
  ablationResults,
  armResults,
  resultOf,
  type ArmResult,
  type BlockResults,
} from './quantization-ablation/results.js';
export { octavesBorne, stabilityResults } from './quantization-ablation/stability-results.js';
export { bitsPerByte, formatRate } from './quantization-ablation/table.js';
export { table4 } from './quantization-ablation/table-4.js';

export { scalingClaims } from './scaling-law/claims.js';
export { bodyParameters } from './scaling-law/grid.js';
export { lawFigure, predictionFigure, sizeFigure, tokensFigure } from './scaling-law/figures.js';
export {
  gapHeatmap,
  gapSizeFigure,
  gapTokensFigure,
  lawsOfGapFigure,
  worthFigure,
} from './scaling-law/gap-figures.js';
export { gapsOf, learnedCells, scalingResults, type Cell, type Gap } from './scaling-law/results.js';

export { frontierArm, FRONTIER_ARMS, type FrontierArm } from './frontier/arms.js';
export { frontierClaims } from './frontier/claims.js';
export {
  atEqualBytes,
  atEqualShape,
  onFrontier,
  pointsOfForm,
  type Comparison,
  type RateCosts,
} from './frontier/compare.js';
export { bytesFigure, equalShapeFigure, joulesFigure, table3Figure, timeFigure } from './frontier/figures.js';
export { FORMS, formNamed, type Form } from './frontier/forms.js';
export { readKernelTimes, tokenMs as smallTokenMs, type KernelTimes } from './frontier/kernel-times.js';
export { rateCostsOf } from './frontier/rate-costs.js';
export {
  frontierOf,
  frontierOn,
  parametersOf,
  type CorpusFrontier,
  type FrontierPoint,
  type Spread,
} from './frontier/results.js';
export { equalBytesRows, equalShapeRows, fileRows, table3Rows } from './frontier/rows.js';
export { bestCell, table3Cell, table3Of, type Table3, type Table3Cell } from './frontier/table-3.js';

export { latencyClaims } from './shapes/claims.js';
export { formulaClaims, reservedForBatch } from './shapes/formula-claims.js';
export {
  attentionShareFigure,
  energyRatioFigure,
  latencyRatioFigure,
  printedEnergies,
  printedEnergyFigure,
} from './shapes/figures.js';
export { B158_TABLE_1, B158_THROUGHPUT, B1_TABLE_3, named } from './shapes/paper-tables.js';
export { findMeasurement, readShapes, tokenMs } from './shapes/results.js';

export { inferenceClaims, inferenceFindings, recordedTokenMs } from './inference-2b4t/claims.js';
export { readInferenceRecord } from './inference-2b4t/results.js';
