import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOMParser, type Element } from '@xmldom/xmldom';
import { describe, expect, test } from 'vitest';
import { drawDiagrams } from '../../scripts/diagrams.js';
import { THEMES } from '../../scripts/diagrams/drawing.js';
import { cloneRoot } from '../../scripts/setup/project.js';

const IMAGES = join(cloneRoot, 'notebooks', 'images');
const pictures = drawDiagrams();

const all = (svg: string, tag: string): Element[] => [
  ...new DOMParser().parseFromString(svg, 'image/svg+xml').getElementsByTagName(tag),
];
const number = (element: Element, name: string): number => Number(element.getAttribute(name));

/** Contrast ratio of WCAG 2.2. */
function contrast(...colors: [string, string]): number {
  const [light, dark] = colors
    .map((color) => {
      const [red, green, blue] = [1, 3, 5].map((i) => {
        const c = Number.parseInt(color.slice(i, i + 2), 16) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

describe('the diagrams', () => {
  test('in notebooks/images/ are as the code draws them', () => {
    const committed = readdirSync(IMAGES).filter((name) => /-(light|dark)\.svg$/.test(name));
    expect(committed.toSorted()).toEqual([...pictures.keys()].toSorted());
    for (const [name, picture] of pictures)
      expect(readFileSync(join(IMAGES, name), 'utf8'), `${name}: npm run diagrams`).toBe(picture);
  });

  test.each([...pictures])('%s keeps its text inside of the picture and of its boxes', (_, svg) => {
    const [{ width, height }] = all(svg, 'svg').map((root) => ({
      width: number(root, 'width'),
      height: number(root, 'height'),
    }));
    const boxes = all(svg, 'rect');
    for (const text of all(svg, 'text')) {
      const words = text.textContent!;
      const size = Number(text.getAttribute('font-size') ?? 13);
      // About what the usual sans-serif fonts need.
      const wide = words.length * size * (text.hasAttribute('font-weight') ? 0.56 : 0.5);
      const [x, y] = [number(text, 'x'), number(text, 'y')];
      const left = { start: x, middle: x - wide / 2, end: x - wide }[text.getAttribute('text-anchor')!]!;
      expect(left >= 0 && left + wide <= width && y > 0 && y < height, words).toBe(true);
      const box = boxes.find((one) => {
        const [from, top] = [number(one, 'x'), number(one, 'y')];
        return x > from && x < from + number(one, 'width') && y > top && y < top + number(one, 'height');
      });
      if (box === undefined) continue;
      expect(wide, `${words} in its box`).toBeLessThanOrEqual(number(box, 'width'));
    }
  });

  test.each([
    ['light', '#ffffff'],
    ['dark', '#111111'],
  ] as const)('have text of 4.5 : 1 and lines of 3 : 1 on a %s page', (mode, page) => {
    const { text, muted, line, ...kinds } = THEMES[mode];
    for (const color of [text, muted]) expect(contrast(color, page)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(line, page)).toBeGreaterThanOrEqual(3);
    for (const { fill, stroke } of Object.values(kinds)) {
      expect(contrast(text, fill)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(stroke, page)).toBeGreaterThanOrEqual(3);
    }
  });
});
