import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** From the ground up: a floor imports only from those before it, and beside itself from none. */
const LIB = [
  ['io', 'random.ts'],
  ['config.ts'],
  ['parameters.ts'],
  ['backend', 'plots', 'papers'],
  ['corpora', 'kernel', 'quantizers', 'analysis'],
  ['checkpoint', 'hub'],
  ['model', 'tokenizer', 'runs'],
  ['inference', 'training'],
  ['index.ts'],
];

/** Questions import the sweep, the record, sizes and shapes; commands import questions; nothing imports commands. */
const EXPERIMENTS = [
  ['sweep'],
  ['record', 'sizes', 'ray'],
  ['shapes'],
  ['bitlm', 'quantization-ablation', 'scaling-law', 'fp16-comparison', 'inference-2b4t'],
  ['bench', 'experiments.ts'],
  ['rerun.ts'],
  ['commands', 'index.ts'],
];

const floorOf = (file: string): string => file.split(sep)[0];

/** Every import of one file of a tree by another, types included, both seen from the tree's folder. */
function allImports(folder: string): { from: string; to: string }[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !['dist', 'node_modules', 'runs'].includes(floorOf(file)),
  );
  return files.flatMap((from) => {
    const source = readFileSync(join(folder, from), 'utf8');
    const targets = [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
    return targets.map(([, target]) => ({
      from,
      to: normalize(join(dirname(from), target.replace(/\.js$/, '.ts'))),
    }));
  });
}

describe.each([
  ['lib', LIB, 300],
  ['experiments', EXPERIMENTS, 100],
])('the floors of %s/', (tree, floors, least) => {
  const folder = fileURLToPath(new URL(`../${tree}`, import.meta.url));
  const imports = allImports(folder);
  const levelOf = (file: string): number => floors.findIndex((names) => names.includes(floorOf(file)));

  it('are all known, so that a new one takes its place here', () => {
    expect(imports.length).toBeGreaterThan(least);
    const unknown = imports.flatMap(({ from, to }) => [from, to]).filter((file) => levelOf(file) < 0);
    expect(unknown).toEqual([]);
    expect(floors.flat().filter((name) => !readdirSync(folder).includes(name))).toEqual([]);
  });

  it('import downwards only', () => {
    const upwards = imports
      .filter(({ from, to }) => floorOf(from) !== floorOf(to) && levelOf(to) >= levelOf(from))
      .map(({ from, to }) => `${from} → ${to}`);
    expect(upwards).toEqual([]);
  });
});
