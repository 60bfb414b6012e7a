/** The real `Plotly.validate` of the pinned plotly.js, in a context with just enough of a page for it to load. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';
import type { PlotlyFigure } from '../../../lib/plots/draw/plotly.js';

/** One thing that plotly does not accept. */
export interface PlotlyFault {
  code: string;
  msg: string;
}

interface Plotly {
  version: string;
  validate(data: unknown, layout: unknown): PlotlyFault[] | undefined;
}

/** An element that takes everything and has nothing: plotly makes some while it loads, validating draws none. */
class Element {
  style = {};
  childNodes = [];
  sheet = { insertRule: nothing, cssRules: [] };
  setAttribute(): void {}
  setAttributeNS(): void {}
  appendChild(): void {}
  addEventListener(): void {}
  getContext(): null {
    return null;
  }
  getElementsByTagName(): never[] {
    return [];
  }
}

class CSSStyleDeclaration {
  setProperty(): void {}
}

function nothing(): void {}

const element = (): Element => new Element();
const document = {
  documentElement: element(),
  head: element(),
  body: element(),
  createElement: element,
  createElementNS: element,
  createTextNode: element,
  getElementById: (): null => null,
  querySelector: (): null => null,
  addEventListener: nothing,
};

const page: Record<string, unknown> = {
  document,
  Element,
  HTMLElement: Element,
  CSSStyleDeclaration,
  DOMParser: class {
    parseFromString(): typeof document {
      return document;
    }
  },
  URL: { createObjectURL: (): string => '' },
  Blob,
  navigator: { userAgent: '' },
  location: { href: '' },
  matchMedia: (): { matches: boolean } => ({ matches: false }),
  getComputedStyle: (): object => ({}),
  addEventListener: nothing,
  setTimeout,
  clearTimeout,
  console,
  performance,
  TextDecoder,
};
page.self = page.window = page;

const context = createContext(page);
const path = createRequire(import.meta.url).resolve('plotly.js/dist/plotly-cartesian.min.js');
const plotly = runInContext(`${await readFile(path, 'utf8')};Plotly`, context) as Plotly;

/** Version of the plotly.js that validates. */
export const plotlyVersion: string = plotly.version;

/** What plotly finds wrong with a figure, as it comes out of its JSON; empty where it accepts all of it. */
export function plotlyFaults(figure: PlotlyFigure): PlotlyFault[] {
  // Parsed inside, since plotly only takes objects of its own context for plain ones.
  const parse = (value: unknown): unknown => runInContext(`(${JSON.stringify(value)})`, context);
  return plotly.validate(parse(figure.data), parse(figure.layout)) ?? [];
}
