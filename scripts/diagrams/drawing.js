/**
 * What diagrams are drawn with: boxes, arrows and text in the colours of a light or a dark page. Each diagram is a
 * function of a `Drawing`; both of its pictures come from the same lines.
 */

/**
 * @typedef {'float' | 'integer' | 'trit' | 'norm' | 'plain'} Kind what a box holds or does, told by its colour
 * @typedef {{ text: string, muted: string, line: string } & Record<Kind, { fill: string, stroke: string }>} Theme
 * @typedef {[x: number, y: number]} Point
 */

/** @type {Record<'light' | 'dark', Theme>} */
export const THEMES = {
  light: {
    text: '#1b1b1b',
    muted: '#595959',
    line: '#6b6b6b',
    float: { fill: '#e3f0f9', stroke: '#0072b2' },
    integer: { fill: '#fdebdc', stroke: '#c25400' },
    trit: { fill: '#dcf3eb', stroke: '#00805f' },
    norm: { fill: '#ece8fd', stroke: '#6a49de' },
    plain: { fill: '#f3f3f3', stroke: '#767676' },
  },
  dark: {
    text: '#f2f2f2',
    muted: '#b3b3b3',
    line: '#a0a0a0',
    float: { fill: '#0d2c40', stroke: '#4da3d9' },
    integer: { fill: '#40220a', stroke: '#f08a3c' },
    trit: { fill: '#0a3327', stroke: '#2fbf94' },
    norm: { fill: '#251d4a', stroke: '#a08ff5' },
    plain: { fill: '#262626', stroke: '#8c8c8c' },
  },
};

const FONT = 'system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif';
const TEXT_SIZE = 13;
const SMALL = 11.5;
const LINE_HEIGHT = 16;

/** An SVG picture that grows by boxes, arrows and text. */
export class Drawing {
  /** @param {number} width @param {number} height @param {string} title what it shows, for who cannot see it @param {Theme} theme */
  constructor(width, height, title, theme) {
    this.width = width;
    this.height = height;
    this.title = title;
    this.theme = theme;
    /** @type {string[]} */
    this.parts = [];
  }

  /**
   * A box with lines of text; the first is bold.
   * @param {Kind} kind
   * @param {Point} corner upper left
   * @param {Point} size
   * @param {string[]} lines
   */
  box(kind, [x, y], [width, height], lines) {
    const { fill, stroke } = this.theme[kind];
    this.parts.push(
      `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>`,
    );
    const top = y + height / 2 - ((lines.length - 1) * LINE_HEIGHT) / 2 + 4.5;
    lines.forEach((line, i) =>
      this.text([x + width / 2, top + i * LINE_HEIGHT], line, { bold: i === 0, small: i > 0 }),
    );
  }

  /**
   * @param {Point} at
   * @param {string} words
   * @param {{ anchor?: 'start' | 'middle' | 'end', bold?: boolean, small?: boolean, muted?: boolean, mono?: boolean }} [options]
   */
  text([x, y], words, { anchor = 'middle', bold = false, small = false, muted = false, mono = false } = {}) {
    const { text, muted: pale } = this.theme;
    const look = [
      bold ? ' font-weight="600"' : '',
      small ? ` font-size="${SMALL}"` : '',
      mono ? ' font-family="ui-monospace,Menlo,Consolas,monospace"' : '',
    ].join('');
    this.parts.push(
      `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${muted ? pale : text}"${look}>${escape(words)}</text>`,
    );
  }

  /**
   * A line through points, with a head at its end.
   * @param {Point[]} points
   * @param {{ dashed?: boolean, kind?: Kind, head?: boolean, curve?: boolean }} [options] `kind` gives its colour
   */
  arrow(points, { dashed = false, kind, head = true, curve = false } = {}) {
    const color = kind === undefined ? this.theme.line : this.theme[kind].stroke;
    const [first, ...others] = points;
    const path = curve
      ? `M${first.join()}Q${others.join(' ')}`
      : `M${first.join()}${others.map((point) => `L${point.join()}`).join('')}`;
    const dashes = dashed ? ' stroke-dasharray="5 4"' : '';
    this.parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"${dashes}/>`);
    if (head) this.parts.push(`<path d="${headOf(points)}" fill="${color}"/>`);
  }

  /** A round sign, such as + on a residual stream. @param {Point} at @param {string} sign */
  sign([x, y], sign) {
    const { fill, stroke } = this.theme.plain;
    this.parts.push(
      `<circle cx="${x}" cy="${y}" r="11" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>`,
    );
    this.text([x, y + 5], sign, { bold: true });
  }

  /** The picture, a line for each part. */
  toSvg() {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${this.height}" width="${this.width}" height="${this.height}" ` +
        `role="img" aria-label="${escape(this.title)}" font-family="${FONT}" font-size="${TEXT_SIZE}">`,
      ...this.parts,
      '</svg>\n',
    ].join('\n');
  }
}

/** A triangle at the last point, in the direction of the last stretch. @param {Point[]} points */
function headOf(points) {
  const [x, y] = points[points.length - 1];
  const [fromX, fromY] = points[points.length - 2];
  const length = Math.hypot(x - fromX, y - fromY);
  const [right, down] = [(x - fromX) / length, (y - fromY) / length];
  const corner = (/** @type {number} */ side) =>
    [x - 8 * right - side * 4 * down, y - 8 * down + side * 4 * right].map(
      (value) => Math.round(value * 10) / 10,
    );
  return `M${x},${y}L${corner(1).join()}L${corner(-1).join()}z`;
}

/** @param {string} text */
function escape(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
