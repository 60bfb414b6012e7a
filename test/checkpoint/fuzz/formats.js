/** What can be fuzzed; plain JavaScript, since `npm run fuzz` lists it too. */
export const FUZZ_FORMATS = /** @type {const} */ ([
  'safetensors',
  'packed',
  'i2_s',
  'tq2_0',
  'tq1_0',
  'config',
  'index',
  'tokenizer',
  'run',
  'record',
  'stored',
]);
