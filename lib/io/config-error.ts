/** Thrown for a configuration that no model can be built from. The message names the key and what was found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
