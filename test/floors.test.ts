import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LIB = fileURLToPath(new URL('../lib', import.meta.url));

/** From the ground up: a floor imports only from those before it, and beside itself from none. */
const FLOORS = [
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

const levelOf = (floor: string): number => FLOORS.findIndex((names) => names.includes(floor));

const floorOf = (file: string): string => file.split(sep)[0];

/** Every import of one lib file by another, both seen from lib/. */
function allImports(): { from: string; to: string }[] {
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !['dist', 'node_modules'].includes(floorOf(file)),
  );
  return files.flatMap((from) => {
    const source = readFileSync(join(LIB, from), 'utf8');
    const targets = [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
    return targets.map(([, target]) => ({
      from,
      to: normalize(join(dirname(from), target.replace(/\.js$/, '.ts'))),
    }));
  });
}

describe('the floors of lib/', () => {
  const imports = allImports();

  it('are all known, so that a new one takes its place here', () => {
    expect(imports.length).toBeGreaterThan(300);
    const unknown = imports
      .flatMap(({ from, to }) => [from, to])
      .filter((file) => levelOf(floorOf(file)) < 0);
    expect(unknown).toEqual([]);
    expect(FLOORS.flat().filter((name) => !readdirSync(LIB).includes(name))).toEqual([]);
  });

  it('import downwards only', () => {
    const upwards = imports
      .filter(
        ({ from, to }) => floorOf(from) !== floorOf(to) && levelOf(floorOf(to)) >= levelOf(floorOf(from)),
      )
      .map(({ from, to }) => `${from} → ${to}`);
    expect(upwards).toEqual([]);
  });
});
