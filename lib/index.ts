/** The public names: what a notebook may import. Nothing here loads TensorFlow. */
export {
  BITNET_B158,
  FULL_PRECISION,
  type AblationOptions,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from './ablation-options.js';
export { ablationOptions, parseModelConfig, type ModelConfig } from './config.js';
export { ConfigError } from './io/config-error.js';

// Corpora: what there is to train on.
export { CharacterTokenizer } from './corpora/characters.js';
export { CorpusError } from './corpora/corpus-error.js';
export type { Corpus, TextTokenizer, TokenWindows } from './corpora/corpus.js';
export { openCorpus } from './corpora/open-corpus.js';
export { openStateOfTheUnion } from './corpora/state-of-the-union.js';
export { openTextFile } from './corpora/text-file.js';
export { openTinyShakespeare } from './corpora/tiny-shakespeare.js';
export { perfectLosses } from './corpora/perfect-losses.js';
export { ZipfFacts, type ZipfFactsOptions } from './corpora/zipf-facts.js';

// Training: TensorFlow is loaded by loadTraining, not before.
export { ALLOCATOR_SETTINGS } from './backend/allocator.js';
export type { BackendDescription } from './backend/tensorflow.js';
export { loadTraining, type Training } from './training/load-training.js';
export {
  DivergedError,
  LATENT_BINS,
  LATENT_RANGE,
  type Diagnostics,
  type RunOptions,
  type TrainableModel,
  type TrainingOptions,
  type TrainingPoint,
} from './training/types.js';
export { fit, type FitOptions, type FittedRun } from './training/fit.js';
export { compare } from './training/compare.js';
export { bitDense, type BitDenseLayer } from './training/bit-dense.js';
export type {
  Layer,
  SequentialModel,
  Tensor,
  TensorFlow,
  TensorFunction,
  Variable,
} from './backend/notebook-tensorflow.js';
export type { OwnParts, QuantizerDraws, QuantizerFunction } from './quantizers/quantizer-function.js';
export type { ScheduleOptions } from './training/schedule.js';
export { countParameters, quantizedNames } from './parameters.js';
export { bitLinearInIntegers } from './quantizers/integer-product.js';
export { abortOnInterrupt } from './training/interrupt.js';

// Checkpoints: safetensors folders and GGUF files, read, written and packed.
export { bytesByKind } from './checkpoint/bytes-by-kind.js';
export { roundToHalf } from './checkpoint/dtypes.js';
export type { Checkpoint, TensorEntry } from './checkpoint/checkpoint.js';
export { CheckpointError } from './checkpoint/checkpoint-error.js';
export { FileError } from './io/file-error.js';
export { EXPORT_FORMATS } from './checkpoint/export/export-plan.js';
export { exportCheckpoint } from './checkpoint/export/export.js';
export { saveModelFolder, type ModelTensor } from './checkpoint/model-folder.js';
export { openCheckpoint } from './checkpoint/open-checkpoint.js';
export { packTernary, unpackTernary } from './checkpoint/packing.js';
export { readSafetensors, writeSafetensors } from './checkpoint/safetensors/safetensors.js';
export { readStoredModel } from './checkpoint/stored/read-stored.js';
export {
  storedWeights,
  writeStoredModel,
  type CodeForm,
  type MatrixStorage,
  type StoredModel,
  type StoredSize,
} from './checkpoint/stored/stored-model.js';

// Quantizers: values to integers and scales, and back. Their TensorFlow twins are lib/quantizers/straight-through.ts.
export { roundHalfToEven } from './rounding.js';
export {
  dequantizeWeights,
  quantizeWeights,
  weightGrid,
  type QuantizedWeights,
} from './quantizers/weights.js';
export { gptq, inverseFactor } from './quantizers/gptq.js';
export type { InputStatistics } from './quantizers/input-statistics.js';
export {
  codeEntropy,
  codesOnGrid,
  trainedCodes,
  weightsOfCodes,
  type LevelCodes,
} from './quantizers/level-codes.js';
export { withMadeOutliers } from './quantizers/made-outliers.js';
export {
  PostTraining,
  type PostTrained,
  type PostTrainingMethod,
  type Preparation,
  type WeightMatrix,
} from './quantizers/post-training.js';
export { randomRotation, rotateMoments, rotateRows, type Rotation } from './quantizers/rotation.js';
export { smoothingFactors } from './quantizers/smooth-quant.js';
export {
  LEVEL_BITS,
  levelGrid,
  nearestLevel,
  roundToLevels,
  type Granularity,
  type LevelBits,
  type ReachRule,
} from './quantizers/level-grid.js';
export { dequantizeActivations, quantizeActivations } from './quantizers/activations.js';

// Files that appear whole or not at all, and are read whole: a pipe or a device in their place is refused.
export { writeFileAtomically } from './io/atomic-write.js';
export { isObject } from './io/is-object.js';
export { readTextIfThere } from './io/whole-file.js';

// Runs: the folders that training writes, and the schedules that it follows.
export { schedule, type Rates, type Schedule } from './training/schedule.js';
export { RunFolderError } from './io/run-folder-error.js';
export { readRun } from './runs/open-run.js';
export { installedVersions, runIdentity, stableJson, type RunConfig } from './runs/run-config.js';

export { readRunConfig } from './runs/run-config-file.js';

// Analysis: what measurements say, and what they say of the papers' claims.
export { bootstrap } from './analysis/bootstrap.js';
export {
  divergedContrast,
  halfWidth,
  interval,
  pValue,
  seedsToDecide,
  smallestVisible,
  type Contrast,
} from './analysis/contrast.js';
export { coverage, MADE_UP_SWEEP } from './analysis/coverage.js';
export { holm, type HolmDecision } from './analysis/holm.js';
export {
  ablationCoverage,
  MADE_UP_ABLATION,
  type AblationCoverage,
  type MadeUpAblation,
} from './analysis/made-up-ablation.js';
export { PooledArms, type ArmLoss } from './analysis/pooled-arms.js';
export {
  atBestRate,
  fitRateCurve,
  octavesBetween,
  type RateCurve,
  type RateLoss,
} from './analysis/rate-curve.js';
export { ifDetermined } from './analysis/undetermined.js';
export { asFamily, isByItselfOnly } from './analysis/claim-family.js';
export { sizeTrend, type SizeDifference, type SizeTrend } from './analysis/size-trend.js';
export {
  canFitExcessLaw,
  excessBends,
  fitExcessLaw,
  type ExcessLaw,
  type GridCell,
} from './analysis/excess-law.js';
export { fitEffectiveParameters, type EffectiveParameters } from './analysis/effective-parameters.js';
export { fitGapLaw, fitGapPlane, type GapCell, type GapLaw, type GapPlane } from './analysis/gap-law.js';
export { gapLawCoverage, gridCoverage, MADE_UP_GRID } from './analysis/made-up-grid.js';
export { predictCells, type CellPrediction } from './analysis/held-out-cells.js';
export { fitRateSurface, type RateSurface, type TunedPlace } from './analysis/rate-surface.js';
export { precisionLawFactor, shiftBySize } from './analysis/horizontal-shift.js';
export type { MeasuredLoss } from './analysis/loss-points.js';
export { fitPowerLaw, lossAt } from './analysis/scaling-law.js';
export { powerLawIntervals, profileOfC } from './analysis/scaling-intervals.js';
export {
  judge,
  type Claim,
  type ClaimKind,
  type Expectation,
  type JudgedClaim,
  type Power,
} from './analysis/claims.js';
export {
  claimsTable,
  formatEstimate,
  formatExpectation,
  formatVerdict,
  verdictCounts,
} from './analysis/claims-table.js';
export {
  exactly,
  mean,
  meanInterval,
  median,
  pairedDifference,
  standardDeviation,
  undecided,
  type Estimate,
} from './analysis/statistics.js';

// Plots: figures as plain data, shown in a notebook as plotly charts and SVG pictures.
export { barFigure, intervalFigure } from './plots/charts/bar-figure.js';
export { PALETTE } from './plots/colors.js';
export { describeFigure } from './plots/describe.js';
export { FigureError, type Annotation, type Axis, type Figure, type Trace } from './plots/figure.js';
export { heatmapFigure } from './plots/charts/heatmap-figure.js';
export { histogramFigure } from './plots/charts/histogram-figure.js';
export { lineFigure, type LineSeries } from './plots/charts/line-figure.js';
export { lossCurves } from './plots/charts/loss-curves.js';
export { liveFigure, show } from './plots/notebook.js';
export { toPlotly } from './plots/draw/plotly.js';
export { scatterFigure, type Fit } from './plots/charts/scatter-figure.js';
export { overlay } from './plots/charts/overlay.js';
export { sliderFigure, type SliderFigure } from './plots/charts/slider-figure.js';
export { roundingSlider, thresholdSlider } from './quantizers/pictures.js';
export { toSvg } from './plots/draw/svg.js';
export type { Cell } from './plots/draw/column-text.js';
export { table, TableError, type Table } from './plots/table.js';
export { print } from './plots/model-table.js';

// Tokenizer: text to ids and back, and conversations to text.
export { ChatTemplateError, type ChatMessage } from './tokenizer/chat-template.js';
export { TokenizerError } from './io/tokenizer-error.js';
export { loadTokenizer, Tokenizer } from './tokenizer/tokenizer.js';

// Inference: a checkpoint made to write text, on a WebAssembly kernel.
export { loadModel } from './inference/load-model.js';
export type { LoadProgress } from './inference/load-weights.js';
export type { Model } from './inference/model.js';
export type { GenerateOptions, Prompt } from './inference/generation.js';
export type { SamplingOptions } from './inference/sampler.js';
export type { PartSpeed, Speed } from './inference/speed.js';
export { likeliest } from './inference/look/predictions.js';
export { siteStatistics } from './inference/look/site-statistics.js';
export type { ModelTrace } from './inference/look/trace.js';
export type { KernelChoice, KernelName } from './kernel/kernel.js';
export { MemoryError } from './kernel/memory.js';

// Models from the Hugging Face Hub.
export { downloadModel } from './hub/hub.js';
export { downloadSize } from './hub/size.js';
export { HubError } from './hub/request.js';

// Energy: the papers' arithmetic, on the papers' shapes.
export { bitnetEnergyTable, reportEnergyTable } from './papers/energy-table.js';
export {
  modelEnergy,
  productEnergyRatio,
  type Arithmetic,
  type Energy,
  type Process,
} from './papers/energy.js';
export {
  BITNET_2B4T_SHAPE,
  BITNET_B158_SHAPES,
  embeddingWeights,
  linearWeights,
  LLAMA_SHAPES,
  type TransformerShape,
} from './papers/shapes.js';

// The papers' shapes, measured on made-up weights.
export { measureShape, type ShapeSpeed } from './inference/measure/shape-speed.js';
export type { WeightForm } from './inference/measure/synthetic-engine.js';

// Serving by arithmetic.
export { cacheBytes, largestBatch, throughputLimit, TWO_A100, weightBytes } from './papers/serving.js';
