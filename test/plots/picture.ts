/** An SVG picture, read back: what an XML parser and a renderer would see. */
import { DOMParser, type Element } from '@xmldom/xmldom';

/** A point in pixels of the whole picture. */
export type Point = [x: number, y: number];

/** A path and how it is painted. */
export interface DrawnPath {
  /** Its stretches, each from one M to the next. */
  stretches: Point[][];
  stroke: string | null;
  fill: string | null;
  /** Of the stroke, in pixels. */
  width: number;
  closed: boolean;
}

/** A picture. */
export interface Picture {
  /** The rectangle of the data. */
  plot: { left: number; top: number; right: number; bottom: number };
  /** Paths inside the plot: traces, not axes. */
  paths: DrawnPath[];
  /** All texts with their places, in order; turned texts have the place that they turn about. */
  texts: { text: string; x: number; y: number }[];
  images: { x: number; y: number; width: number; height: number; href: string }[];
}

/** Reads a picture; throws where it is not well-formed XML or not one <svg>. */
export function readPicture(svg: string): Picture {
  const parser = new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  });
  const root = parser.parseFromString(svg, 'image/svg+xml').documentElement!;
  if (root.tagName !== 'svg') throw new Error(`root element is ${root.tagName}`);
  const inner = all(root, 'svg')[0];
  const [left, top, width, height] = ['x', 'y', 'width', 'height'].map((name) => number(inner, name)) as [
    number,
    number,
    number,
    number,
  ];
  return {
    plot: { left, top, right: left + width, bottom: top + height },
    paths: all(inner, 'path').map((path) => ({
      stretches: readPath(path.getAttribute('d')!),
      stroke: path.getAttribute('stroke'),
      fill: path.getAttribute('fill'),
      width: Number(path.getAttribute('stroke-width') ?? 0),
      closed: path.getAttribute('d')!.endsWith('z'),
    })),
    texts: all(root, 'text').map((text) => {
      const turned = /translate\(([-.\d]+),([-.\d]+)\)/.exec(text.getAttribute('transform') ?? '');
      return {
        text: text.textContent ?? '',
        x: turned ? Number(turned[1]) : number(text, 'x'),
        y: turned ? Number(turned[2]) : number(text, 'y'),
      };
    }),
    images: all(root, 'image').map((image) => ({
      x: number(image, 'x'),
      y: number(image, 'y'),
      width: number(image, 'width'),
      height: number(image, 'height'),
      href: image.getAttribute('href')!,
    })),
  };
}

/** Paths of lines, thin or bold: stroked in this colour and not filled. */
export function strokes(picture: Picture, color: string): Point[][] {
  return picture.paths.filter((path) => path.stroke === color).flatMap((path) => path.stretches);
}

function all(parent: Element, tag: string): Element[] {
  return Array.from(parent.getElementsByTagName(tag));
}

/** An attribute that must be a number. */
function number(element: Element, name: string): number {
  const text = element.getAttribute(name);
  const value = Number(text ?? Number.NaN);
  if (text === '' || !Number.isFinite(value)) {
    throw new Error(`<${element.tagName}> has ${name}="${text}"`);
  }
  return value;
}

/** The corners of a path's stretches, in absolute pixels; throws on what is not a path of straight lines. */
function readPath(d: string): Point[][] {
  const stretches: Point[][] = [];
  let [x, y] = [0, 0];
  for (const [, command, rest] of d.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
    const numbers = (rest.match(/-?(?:\d+\.?\d*|\.\d+)/g) ?? []).map(Number);
    if (rest.replaceAll(/-?(?:\d+\.?\d*|\.\d+)|[\s,]/g, '') !== '') throw new Error(`path has ${rest}`);
    const relative = command === command.toLowerCase();
    const [a, b] = numbers as [number, number];
    switch (command.toUpperCase()) {
      case 'M':
      case 'L':
        [x, y] = relative ? [x + a, y + b] : [a, b];
        if (command === 'M') stretches.push([]);
        break;
      case 'H':
        x = relative ? x + a : a;
        break;
      case 'V':
        y = relative ? y + a : a;
        break;
      case 'A':
      case 'Z':
        continue;
      default:
        throw new Error(`path has the command ${command}`);
    }
    stretches.at(-1)!.push([Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
  }
  return stretches;
}
