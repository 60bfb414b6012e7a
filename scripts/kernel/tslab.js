/**
 * tslab 1.0.22 as it lies on disk, loaded with two of its compiler's functions replaced. What that mends in cells:
 * - `{ points }` with `points` from an earlier cell: tslab writes `exports.points` for such names, but not in shorthand;
 * - `{ loss: last }` on the left of a value from an earlier cell: tslab would write `exports.` before a property's name;
 * - `toSorted`, `Object.groupBy` and the like: tslab stops at ES2022;
 * - source maps, by which errors find the reader's line;
 * - new files in folders that the compiler looks into, which ended the next cell: they count from the next start on.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** @typedef {typeof import('@tslab/typescript-for-tslab')} TypeScript */
/** @typedef {import('@tslab/typescript-for-tslab').Program} Program */
/** @typedef {import('@tslab/typescript-for-tslab').BuilderProgram} Builder */

/** Declarations that TypeScript 5.0 lacks. */
const OWN_TYPES = fileURLToPath(new URL('./types', import.meta.url));
const LIBRARIES = ['lib.es2023.d.ts'];
const PREVIOUS_CELLS = /[\\/]__prev__\.d\.ts$/;

const require = createRequire(import.meta.url);
const compilerFile = require.resolve('@tslab/typescript-for-tslab');
/** @type {TypeScript} */
export const ts = require(compilerFile);

/** The two maps of the cell converted last: from its TypeScript to a module, and from that to what runs. */
const maps = { module: '', script: '' };

/** The source maps of the cell that was converted last. */
export const lastMaps = () => ({ ...maps });

/** @type {NodeJS.Module} */ (require.cache[compilerFile]).exports = {
  ...ts,
  /** @type {any} */
  createWatchCompilerHost: (
    /** @type {any[]} */ rootNames,
    /** @type {any} */ options,
    /** @type {any[]} */ ...rest
  ) =>
    withOwnEmit({
      .../** @type {any} */ (ts.createWatchCompilerHost)(
        rootNames,
        {
          ...options,
          lib: LIBRARIES,
          sourceMap: true,
          // All of @types would come else, plotly's too, and cost each cell time.
          types: ['node', 'cells'],
          typeRoots: [...options.typeRoots, OWN_TYPES],
        },
        ...rest,
      ),
      // A run that writes a folder beside a module would have the compiler set a second timer; tslab knows one, and throws.
      watchDirectory: () => ({ close: () => {} }),
    }),
  /** @type {TypeScript['transpileModule']} */
  transpileModule(input, options) {
    const compilerOptions = { ...options.compilerOptions, sourceMap: true };
    const output = ts.transpileModule(input, { ...options, compilerOptions });
    maps.script = output.sourceMapText ?? '';
    return { ...output, outputText: withoutMapComment(output.outputText) };
  },
};

/** @type {typeof import('tslab/dist/converter.js')} */
export const converter = require('tslab/dist/converter.js');
/** @type {typeof import('tslab/dist/executor.js')} */
export const executor = require('tslab/dist/executor.js');
/** @type {typeof import('tslab/dist/inspect.js')} */
export const inspect = require('tslab/dist/inspect.js');
/** @type {typeof import('tslab/dist/jupyter.js')} */
export const jupyter = require('tslab/dist/jupyter.js');

/**
 * Has every program of the host emit with our transformer before tslab's.
 * @param {{ afterProgramCreate?: (builder: Builder) => void }} host
 */
function withOwnEmit(host) {
  /** @type {((builder: Builder) => void) | undefined} */
  let tslabs;
  return Object.defineProperty(host, 'afterProgramCreate', {
    get: () => tslabs,
    set: (given) => (tslabs = (builder) => given(withTransformer(builder))),
  });
}

/** @param {Builder} builder */
function withTransformer(builder) {
  /** @type {Builder['emit']} */
  const emit = (file, write, token, declarationsOnly, transformers) => {
    const checker = builder.getProgram().getTypeChecker();
    /** @type {import('@tslab/typescript-for-tslab').WriteFileCallback} */
    const keepMap = (name, text, ...rest) => {
      if (name.endsWith('.map')) maps.module = text;
      else write?.(name, name.endsWith('.js') ? withoutMapComment(text) : text, ...rest);
    };
    const after = [spellOutShorthand(checker), hidePropertyNames, ...(transformers?.after ?? [])];
    return builder.emit(file, write && keepMap, token, declarationsOnly, { ...transformers, after });
  };
  return Object.create(builder, { emit: { value: emit } });
}

/**
 * `{ points }` becomes `{ points: exports.points }` where an earlier cell declares `points`.
 * @param {import('@tslab/typescript-for-tslab').TypeChecker} checker
 * @returns {import('@tslab/typescript-for-tslab').TransformerFactory<any>}
 */
function spellOutShorthand(checker) {
  return (context) => {
    const { factory } = context;
    /** @type {(node: any) => any} */
    const visit = (node) => {
      if (!ts.isShorthandPropertyAssignment(node) || !isOfEarlierCell(node))
        return ts.visitEachChild(node, visit, context);
      const value = factory.createPropertyAccessExpression(
        factory.createIdentifier('exports'),
        node.name.text,
      );
      // `({ points = [] } = options)` gives a default.
      const whole = node.objectAssignmentInitializer
        ? factory.createAssignment(value, ts.visitNode(node.objectAssignmentInitializer, visit))
        : value;
      return ts.setTextRange(factory.createPropertyAssignment(node.name.text, whole), node);
    };
    return visit;
  };

  /** @param {import('@tslab/typescript-for-tslab').ShorthandPropertyAssignment} node */
  function isOfEarlierCell(node) {
    const declarations = checker.getShorthandAssignmentValueSymbol(ts.getOriginalNode(node))?.declarations;
    return declarations?.some((declaration) => PREVIOUS_CELLS.test(declaration.getSourceFile().fileName));
  }
}

/**
 * The name of a property that is taken apart, `{ loss: last } = run`, stands where `run` was declared: in an earlier cell,
 * perhaps, and tslab would take it for a variable of that. It knows nothing of a name that is written anew.
 * @type {import('@tslab/typescript-for-tslab').TransformerFactory<any>}
 */
const hidePropertyNames = (context) => {
  const { factory } = context;
  /** @type {(node: any) => any} */
  const visit = (node) => {
    const visited = ts.visitEachChild(node, visit, context);
    const anew = (/** @type {any} */ name) => ts.setTextRange(factory.createIdentifier(name.text), name);
    if (ts.isBindingElement(visited) && visited.propertyName && ts.isIdentifier(visited.propertyName)) {
      const { dotDotDotToken, propertyName, name, initializer } = visited;
      return factory.updateBindingElement(visited, dotDotDotToken, anew(propertyName), name, initializer);
    }
    if (ts.isPropertyAssignment(visited) && ts.isIdentifier(visited.name))
      return factory.updatePropertyAssignment(visited, anew(visited.name), visited.initializer);
    return visited;
  };
  return visit;
};

/** @param {string} text */
function withoutMapComment(text) {
  return text.replace(/\n\/\/# sourceMappingURL=\S*\s*$/, '\n');
}
