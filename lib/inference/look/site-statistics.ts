/** Numbers about the activations of a trace: how large they are, and how many of them are zero. */
import type { ModelTrace, TracedValues } from './trace.js';

/** What a text's activations are like at one place of one layer. */
export interface SiteStatistics {
  layer: number;
  /** transformers' name within the layer, such as `mlp.down_proj`. */
  site: string;
  /** Share of zeros, over all tokens and features. */
  zeros: number;
  /** Root mean square. */
  rms: number;
  largest: number;
  /** Share of zeros of each token. */
  zerosByToken: number[];
}

/**
 * Statistics of every place whose values are given: `trace.activations` for what the modules put out,
 * `trace.quantizedInputs` for the integers that a BitLinear multiplies by. Places outside of layers are left out.
 */
export function siteStatistics(
  sites: ModelTrace['activations'] | ModelTrace['quantizedInputs'],
): SiteStatistics[] {
  return [...sites].flatMap(([name, values]) => {
    const [, layer, site] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    return site === undefined ? [] : [{ layer: Number(layer), site, ...describe(values) }];
  });
}

function describe({
  tokens,
  features,
  values,
}: TracedValues<Float32Array | Int8Array>): Omit<SiteStatistics, 'layer' | 'site'> {
  let squares = 0;
  let largest = 0;
  const zerosByToken: number[] = [];
  for (let token = 0; token < tokens; token++) {
    let zeros = 0;
    for (let i = token * features; i < (token + 1) * features; i++) {
      const value = values[i];
      if (value === 0) zeros += 1;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    zerosByToken.push(zeros / features);
  }
  return {
    zeros: zerosByToken.reduce((sum, share) => sum + share, 0) / tokens,
    rms: Math.sqrt(squares / (tokens * features)),
    largest,
    zerosByToken,
  };
}
