/** Names of the files in a model's folder, in Hugging Face's layout. */

/** What says nothing about the weights. */
export const FILES_BESIDE_WEIGHTS: readonly string[] = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
];

/** All that a model with one file of weights may have. */
export const MODEL_FILES: readonly string[] = ['config.json', ...FILES_BESIDE_WEIGHTS, 'model.safetensors'];
