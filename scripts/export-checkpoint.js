/**
 * Packs a trained model: npm run export-checkpoint -- FOLDER --format packed|i2_s|tq2_0 --output PATH
 * Runs the compiled lib, so `npm run build` comes first.
 */
import { parseArgs } from 'node:util';

const USAGE = 'Usage: npm run export-checkpoint -- FOLDER --format packed|i2_s|tq2_0 --output PATH';

/** @param {string} problem @returns {never} */
function stop(problem) {
  console.error(problem);
  console.error(USAGE);
  process.exit(2);
}

/** @returns {{ folder: string, format: string, output: string }} */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { format: { type: 'string' }, output: { type: 'string' } },
    });
    const { format, output } = values;
    if (positionals.length !== 1)
      stop(`export-checkpoint: name one model folder, got ${positionals.length}.`);
    if (format === undefined) stop('export-checkpoint: --format must be given.');
    if (output === undefined) stop('export-checkpoint: --output must be given.');
    return { folder: positionals[0], format, output };
  } catch (error) {
    return stop(`export-checkpoint: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

const { folder, format, output } = readArguments();
const compiled = new URL('../lib/dist/index.js', import.meta.url).href;
/** @type {typeof import('../lib/index.js')} */
const lib = await import(compiled).catch(() =>
  stop('export-checkpoint: the lib is not compiled. Run npm run build first.'),
);
if (!lib.EXPORT_FORMATS.includes(/** @type {'packed'} */ (format))) {
  stop(`export-checkpoint: --format must be one of ${lib.EXPORT_FORMATS.join(', ')}, got ${format}.`);
}
try {
  const { fileBytes, ternaryBytes, notes } = await lib.exportCheckpoint(folder, {
    format: /** @type {'packed'} */ (format),
    output,
  });
  console.log(
    `${output}: ${megabytes(fileBytes)} of weights, the ternary matrices ${megabytes(ternaryBytes)} of them.`,
  );
  for (const note of notes) console.log(`Note: ${note}`);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
