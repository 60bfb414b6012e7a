/**
 * tslab's converter with what it leaves out: top-level `for await`, variables that stay the ones that a cell's own
 * functions see, a name by which stacks find the cell, and help inside brackets.
 */
import { nameComment, rememberCell } from './stack.js';
import { converter as tslab, lastMaps, ts } from './tslab.js';

/** @typedef {import('tslab/dist/converter.js').Converter} Converter */
/** @typedef {import('@tslab/typescript-for-tslab').Node} Node */

/** @typedef {import('tslab/dist/converter.js').ConvertResult} ConvertResult */

/** Converts cells for tslab's executor, which asks for each one's code when it runs it. */
export class CellConverter {
  #tslab = tslab.createConverter({ isJS: false, isBrowser: false });
  /** @type {{ previous: string, source: string, count: number, converted: ConvertResult } | undefined} */
  #prepared;
  #previous = '';
  #count = 0;

  /**
   * Compiles a cell before it is run: an interrupt that comes meanwhile would be lost in between.
   * @param {string} source
   * @param {number} count its execution count
   */
  prepare(source, count) {
    this.#count = count;
    this.convert(this.#previous, source);
  }

  /** The exported name under which the cell last converted leaves its last expression's value. */
  get lastExpression() {
    return this.#prepared?.converted.lastExpressionVar;
  }

  /** Remembers that the cell last converted ran to its end. */
  succeeded() {
    if (this.#prepared) this.#previous = this.#prepared.converted.declOutput ?? '';
  }

  /** @type {Converter['convert']} */
  convert(previous, source) {
    const last = this.#prepared;
    const current = last?.previous === previous && last.source === source && last.count === this.#count;
    const converted = current ? last.converted : this.#convertAnew(previous, source);
    // Cells prints the value itself.
    return { ...converted, lastExpressionVar: undefined };
  }

  /** @param {string} previous @param {string} source */
  #convertAnew(previous, source) {
    const converted = this.#tslab.convert(previous, source);
    if (converted.output !== undefined && converted.diagnostics.length === 0) {
      const tree = parse(source);
      converted.output = `\n${bindLive(converted.output, liveNames(tree))}\n${nameComment(this.#count)}`;
      converted.hasToplevelAwait ||= awaitsInLoop(tree);
      rememberCell(this.#count, { source, lines: converted.output.split('\n').length, maps: lastMaps() });
    }
    this.#prepared = { previous, source, count: this.#count, converted };
    return converted;
  }

  /** @type {Converter['inspect']} */
  inspect(previous, source, position) {
    const found = this.#tslab.inspect(previous, source, position);
    const callee = found ? undefined : calleeAround(parse(source), position);
    return callee === undefined ? found : this.#tslab.inspect(previous, source, callee);
  }

  /** @type {Converter['complete']} */
  complete(previous, source, position) {
    return this.#tslab.complete(previous, source, position);
  }

  /** @type {Converter['addModule']} */
  addModule(name, content, meta) {
    return this.#tslab.addModule(name, content, meta);
  }

  close() {
    this.#tslab.close();
  }
}

/** @param {string} source */
function parse(source) {
  return ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ES2022, true);
}

/**
 * The names of variables that may change.
 * @param {import('@tslab/typescript-for-tslab').SourceFile} tree
 */
function liveNames(tree) {
  /** @type {string[]} */
  const names = [];
  const collect = (/** @type {import('@tslab/typescript-for-tslab').BindingName} */ name) => {
    if (ts.isIdentifier(name)) names.push(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) collect(element.name);
  };
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement) || isAmbient(statement)) continue;
    if (statement.declarationList.flags & ts.NodeFlags.Const) continue;
    for (const { name } of statement.declarationList.declarations) collect(name);
  }
  return names;
}

/** @param {import('@tslab/typescript-for-tslab').VariableStatement} statement */
function isAmbient(statement) {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

/** TypeScript's first lines: all that the cell exports, set to undefined. */
const HEAD = /^(?:(?:exports\.[^\s=]+ = )+void 0;\n)+/m;

/**
 * A cell's functions see its variables themselves, later cells their copies in `exports`: `let n = 0; const f = () => n`
 * would go on with 0 after `n = 5` in a later cell. Here `exports` reads and writes the variables themselves.
 * @param {string} output
 * @param {string[]} live names of variables that may change
 */
function bindLive(output, live) {
  return output.replace(HEAD, (head) => {
    const definitions = Array.from(head.matchAll(/exports\.([^\s=]+) = /g), ([, name]) => {
      const attributes = live.includes(name)
        ? `get: () => ${name}, set: (v) => { ${name} = v; }`
        : 'value: undefined, writable: true';
      return `Object.defineProperty(exports, ${JSON.stringify(name)}, { configurable: true, enumerable: true, ${attributes} });`;
    });
    // As many lines as before, for the source map.
    return definitions.join(' ') + head.replaceAll(/[^\n]/g, '');
  });
}

/** Whether a loop `for await` stands outside of all functions. @param {Node} node @returns {boolean} */
function awaitsInLoop(node) {
  if (ts.isForOfStatement(node) && node.awaitModifier) return true;
  if (ts.isFunctionLike(node) || ts.isClassLike(node)) return false;
  return ts.forEachChild(node, (child) => awaitsInLoop(child) || undefined) ?? false;
}

/**
 * Where the name of the function stands whose brackets enclose `position`.
 * @param {Node} tree
 * @param {number} position
 * @returns {number | undefined}
 */
function calleeAround(tree, position) {
  /** @type {number | undefined} */
  let innermost;
  const visit = (/** @type {Node} */ node) => {
    if (position < node.pos || position > node.end) return;
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && position > node.expression.end) {
      const { expression } = node;
      innermost = ts.isPropertyAccessExpression(expression)
        ? expression.name.getStart()
        : expression.getStart();
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return innermost;
}
