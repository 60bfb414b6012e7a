/**
 * `npm run diagrams`: draws the diagrams of the notebooks' text into notebooks/images/, each for light and for dark
 * pages. In a notebook's text the pair stands side by side, and the page shows the one of its theme:
 * `![BitLinear](images/bitlinear-light.svg#gh-light-mode-only)![BitLinear](images/bitlinear-dark.svg#gh-dark-mode-only)`
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bitlinear } from './diagrams/bitlinear.js';
import { block } from './diagrams/block.js';
import { Drawing, THEMES } from './diagrams/drawing.js';
import { engines } from './diagrams/engines.js';
import { packing } from './diagrams/packing.js';
import { straightThrough } from './diagrams/straight-through.js';
import { cloneRoot } from './setup/project.js';
import { writeWhole } from './setup/written-whole.js';

const DIAGRAMS = { bitlinear, block, engines, packing, 'straight-through': straightThrough };

/** All pictures by their files' names. */
export function drawDiagrams() {
  /** @type {Map<string, string>} */
  const pictures = new Map();
  for (const [name, diagram] of Object.entries(DIAGRAMS)) {
    for (const [mode, theme] of Object.entries(THEMES)) {
      const drawing = new Drawing(diagram.width, diagram.height, diagram.title, theme);
      diagram.draw(drawing);
      pictures.set(`${name}-${mode}.svg`, drawing.toSvg());
    }
  }
  return pictures;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, picture] of drawDiagrams())
    writeWhole(join(cloneRoot, 'notebooks', 'images', name), picture);
}
