import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** From the ground up: a floor imports only from those before it, and beside itself from none. */
const LIB = [
  ['io', 'random.ts', 'rounding.ts', 'shape.ts'],
  ['ablation-options.ts'],
  ['config.ts'],
  ['parameters.ts'],
  ['backend', 'plots', 'papers'],
  ['corpora', 'kernel', 'quantizers', 'analysis'],
  ['checkpoint', 'hub'],
  ['model', 'tokenizer', 'runs'],
  ['inference', 'training'],
  ['index.ts'],
];

/** A question is a folder with its runs; a new one needs no line here. */
const QUESTIONS = readdirSync(new URL('../experiments', import.meta.url)).filter(
  (folder) =>
    !['shapes', 'sweep'].includes(folder) &&
    existsSync(new URL(`../experiments/${folder}/experiment.ts`, import.meta.url)),
);

/** Questions import the sweep, the record, sizes and shapes; commands import questions; nothing imports commands. */
const EXPERIMENTS = [
  ['sweep'],
  ['record', 'ray', 'pytorch'],
  ['sizes'],
  ['shapes'],
  QUESTIONS,
  ['bench', 'experiments.ts'],
  ['rerun.ts'],
  ['commands', 'index.ts'],
];

/** Folders whose code must run, and load at once, where there is no TensorFlow. */
const WITHOUT_TENSORFLOW = [
  'io',
  'hub',
  'checkpoint',
  'tokenizer',
  'kernel',
  'runs',
  'plots',
  'papers',
  'inference',
];

/** The only plain files of lib/model that may take the fast twins: a model and a layer are put together from them. */
const ASSEMBLIES = ['model/bitlm.ts', 'model/forward-pass.ts', 'model/bit-dense.ts'];

interface Import {
  from: string;
  /** A file of the same tree, or a package. */
  to: string;
  isPackage: boolean;
  /** Types alone, which are gone once compiled. */
  isType: boolean;
}

const floorOf = (file: string): string => file.split('/')[0];
const isIn = (folder: string, file: string): boolean => file.startsWith(`${folder}/`);

/** Every import of one file of a tree, types included, seen from the tree's folder. */
function allImports(folder: string): Import[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter(
      (file) => file.endsWith('.ts') && !['dist', 'node_modules', 'runs-of-tests'].includes(floorOf(file)),
    );
  return files.flatMap((from) => {
    const source = readFileSync(join(folder, from), 'utf8');
    const found = [
      ...source.matchAll(/^(?:import|export)\b([^;'"]*?\bfrom\s*)?'([^']+)'/gm),
      ...source.matchAll(/\b(import)\(\s*'([^']+)'/g),
    ];
    return found.map(([, clause, target]): Import => {
      const isPackage = !target.startsWith('.');
      const file = posix.normalize(posix.join(posix.dirname(from), target.replace(/\.js$/, '.ts')));
      return { from, to: isPackage ? target : file, isPackage, isType: /^\s*type\b/.test(clause ?? '') };
    });
  });
}

/** Files that import each other in a loop, types included: each loop once, as the files on it. */
function circles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const to of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

const show = ({ from, to }: Import): string => `${from} → ${to}`;

const trees = {
  lib: allImports(fileURLToPath(new URL('../lib', import.meta.url))),
  experiments: allImports(fileURLToPath(new URL('../experiments', import.meta.url))),
};

describe.each([
  ['lib', LIB, 300],
  ['experiments', EXPERIMENTS, 100],
] as const)('the floors of %s/', (tree, floors: readonly (readonly string[])[], least) => {
  const folder = fileURLToPath(new URL(`../${tree}`, import.meta.url));
  const imports = trees[tree].filter(({ isPackage }) => !isPackage);
  const levelOf = (file: string): number => floors.findIndex((names) => names.includes(floorOf(file)));

  it('are all known, so that a new one takes its place here', () => {
    expect(imports.length).toBeGreaterThan(least);
    const unknown = imports.flatMap(({ from, to }) => [from, to]).filter((file) => levelOf(file) < 0);
    expect(unknown).toEqual([]);
    expect(floors.flat().filter((name) => !readdirSync(folder).includes(name))).toEqual([]);
  });

  it('import downwards only', () => {
    const upwards = imports.filter(
      ({ from, to }) => floorOf(from) !== floorOf(to) && levelOf(to) >= levelOf(from),
    );
    expect(upwards.map(show)).toEqual([]);
  });

  it('hold no files that import each other in a circle, types included', () => {
    expect(circles(imports)).toEqual([]);
  });
});

describe('lib/', () => {
  it('loads TensorFlow in none of the folders that are to work without it', () => {
    const isTensorFlow = ({ to, isPackage }: Import): boolean => isPackage && to.startsWith('@tensorflow/');
    const files = new Set(
      trees.lib.filter((one) => isTensorFlow(one) && !one.isType).map(({ from }) => from),
    );
    const reached = (file: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(file)) return seen;
      seen.add(file);
      for (const { from, to, isType, isPackage } of trees.lib)
        if (from === file && !isType && !isPackage) reached(to, seen);
      return seen;
    };
    const roots = [...new Set(trees.lib.map(({ from }) => from))].filter((file) =>
      WITHOUT_TENSORFLOW.some((folder) => isIn(folder, file)),
    );
    const loading = roots.filter((file) => [...reached(file)].some((one) => files.has(one)));
    expect(loading).toEqual([]);
  });

  it('has plain layers that know nothing of their fast twins', () => {
    const wrong = trees.lib.filter(
      ({ from, to }) =>
        isIn('model/fused', to) &&
        (isIn('model', from) || isIn('quantizers', from)) &&
        !isIn('model/fused', from) &&
        !ASSEMBLIES.includes(from),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});
