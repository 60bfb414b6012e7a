/** How large the runs are that a notebook makes. */
import { PRESETS, type Preset } from './run-spec.js';

/**
 * The preset of a notebook's runs: `smoke` takes seconds, `laptop` minutes, `full` hours. Without one given it is that of
 * the environment variable BITNET_PRESET, and `laptop` without that.
 * @throws Error for another name
 */
export function choosePreset(preset?: Preset): Preset {
  const asked = preset ?? (process.env.BITNET_PRESET || 'laptop');
  const known = PRESETS.find((name) => name === asked);
  if (known !== undefined) return known;
  const source = preset === undefined ? ' in BITNET_PRESET' : '';
  throw new Error(
    `choosePreset: must be one of ${PRESETS.join(', ')}, got ${JSON.stringify(asked)}${source}. ` +
      `Write choosePreset('laptop').`,
  );
}
