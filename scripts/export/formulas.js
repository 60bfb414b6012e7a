/**
 * TeX formulas in Markdown as MathML, which browsers draw without a script or a font of ours.
 */
import temml from 'temml';

/** Code, where a dollar is a dollar, or a formula: `$$…$$` on lines of its own or within one, `$…$` within a line. */
const CODE_OR_FORMULA =
  /(?<code>^(?<fence>`{3,}|~{3,})[^]*?^\k<fence>.*$|(?<ticks>`+)(?!`)[^]*?[^`]\k<ticks>(?!`))|\\\$|\$\$(?<block>[^]+?)\$\$|\$(?!\s)(?<inline>(?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)/gm;

/**
 * Takes the formulas out of a Markdown text, so that the converter cannot take their characters for its own.
 * @param {string} markdown
 * @param {string[]} formulas gets the MathML of each formula
 * @returns {string} the text with an element `<span data-formula="i"></span>` where formula i was
 */
export function takeFormulas(markdown, formulas) {
  return markdown.replaceAll(CODE_OR_FORMULA, (match, ...rest) => {
    const { block, inline } = rest.at(-1);
    const tex = block ?? inline;
    if (tex === undefined) return match;
    formulas.push(temml.renderToString(tex, { displayMode: block !== undefined, throwOnError: false }));
    return `<span data-formula="${formulas.length - 1}"></span>`;
  });
}

/**
 * Puts the formulas back into the page.
 * @param {string} html
 * @param {readonly string[]} formulas
 */
export function putFormulas(html, formulas) {
  return html.replaceAll(/<span data-formula="(\d+)"><\/span>/g, (match, i) => formulas[Number(i)] ?? match);
}
