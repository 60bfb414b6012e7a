/** What notebooks read of the experiments: their configurations and recorded results. */
export { configurationA, embeddedConfiguration } from './bitlm.js';
export { readRecorded, type RecordedResults, type RecordedRun } from './recorded.js';
export { PRESETS, type Preset, type RunResult, type RunSpec } from './run-spec.js';
