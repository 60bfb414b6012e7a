import { describe, expect, it } from 'vitest';
import {
  colorAt,
  colorStops,
  INK,
  orderedColors,
  OWN_COLOR,
  PALETTE,
  PICTURE_STYLE,
  seriesColor,
  translucent,
} from '../../lib/plots/colors.js';

/** Pages that a picture may lie on: JupyterLab's light theme, and one as dark as its dark theme. */
const PAGES = ['#ffffff', '#111111'];

function channels(color: string): number[] {
  return [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16) / 255);
}

/** Red, green and blue in proportion to light (sRGB, IEC 61966-2-1). */
function linear(color: string): number[] {
  return channels(color).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
}

/** Contrast ratio of WCAG 2.2. */
function contrast(a: string, b: string): number {
  const luminance = (color: string): number => {
    const [red, green, blue] = linear(color) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** What is left of linear red, green and blue without one kind of cone (Machado et al. 2009, severity 1). */
const VISION = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** CIELAB of linear red, green and blue, white point D65. */
function lab([red, green, blue]: number[]): number[] {
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
  const y = f(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  const z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe('PALETTE', () => {
  it('and INK have a contrast of 3 or more on a white and on a dark page', () => {
    for (const color of [INK, OWN_COLOR, ...PALETTE, ...orderedColors(9)]) {
      for (const page of PAGES)
        expect(contrast(color, page), `${color} on ${page}`).toBeGreaterThanOrEqual(3);
    }
  });

  it('has colours that can be told apart with every kind of colour vision', () => {
    // A difference of 2.3 is just noticeable; four times that is plain in thin lines.
    for (const [name, matrix] of Object.entries(VISION)) {
      const seen = [...PALETTE, OWN_COLOR].map((color) =>
        lab(matrix.map((row) => linear(color).reduce((sum, value, i) => sum + value * row[i], 0))),
      );
      for (let a = 0; a < seen.length; a += 1) {
        for (let b = 0; b < a; b += 1) {
          const difference = Math.hypot(...seen[a].map((value, i) => value - seen[b][i]));
          expect(difference, `colours ${a} and ${b}, ${name}`).toBeGreaterThan(10);
        }
      }
    }
  });
});

describe('orderedColors', () => {
  it('gives nine series nine colours, ever lighter, whose neighbours every kind of colour vision tells apart', () => {
    const colors = orderedColors(9);
    const lightness = colors.map((color) => lab(linear(color))[0]);
    expect(lightness).toEqual([...new Set(lightness)].toSorted((a, b) => a - b));
    for (const [name, matrix] of Object.entries(VISION)) {
      const seen = colors.map((color) =>
        lab(matrix.map((row) => linear(color).reduce((sum, value, i) => sum + value * row[i], 0))),
      );
      for (let i = 1; i < seen.length; i += 1) {
        const difference = Math.hypot(...seen[i].map((value, k) => value - seen[i - 1][k]));
        expect(difference, `${colors[i - 1]} and ${colors[i]}, ${name}`).toBeGreaterThan(3);
      }
    }
  });

  it('begins and ends with the same colours for any count', () => {
    expect(orderedColors(0)).toEqual([]);
    expect(orderedColors(1)).toEqual([orderedColors(9)[0]]);
    expect(orderedColors(3)).toEqual([0, 4, 8].map((i) => orderedColors(9)[i]));
    expect(new Set(orderedColors(30)).size).toBe(30);
  });
});

describe('the text of pictures', () => {
  it('has a contrast of 4.5 or more on a page that is white and on one that is dark', () => {
    const [light, dark] = PICTURE_STYLE.match(/#[0-9a-f]{6}/g)!;
    expect(contrast(light, '#ffffff')).toBeGreaterThanOrEqual(4.5);
    expect(contrast(dark, '#111111')).toBeGreaterThanOrEqual(4.5);
  });
});

describe('seriesColor', () => {
  it('begins again after the last colour', () => {
    expect(seriesColor(0)).toBe(PALETTE[0]);
    expect(seriesColor(PALETTE.length)).toBe(PALETTE[0]);
  });
});

describe('colorAt', () => {
  it('mixes neighbours, and holds at both ends', () => {
    expect(colorAt(['#000000', '#ffffff'], 0.5)).toEqual([128, 128, 128]);
    expect(colorAt(['#000000', '#ff0000', '#00ff00'], 0.5)).toEqual([255, 0, 0]);
    expect(colorAt(['#000000', '#0000ff'], -1)).toEqual([0, 0, 0]);
    expect(colorAt(['#000000', '#0000ff'], 7)).toEqual([0, 0, 255]);
  });
});

describe('colorStops', () => {
  it('grow evenly lighter from little to much', () => {
    const lightness = colorStops('sequential').map((color) => lab(linear(color))[0]);
    const steps = lightness.slice(1).map((value, i) => value - lightness[i]);
    for (const step of steps) expect(step).toBeGreaterThan(5);
  });

  it('diverge from near white', () => {
    const stops = colorStops('diverging');
    const lightness = stops.map((color) => lab(linear(color))[0]);
    expect(Math.max(...lightness)).toBe(lightness[(stops.length - 1) / 2]);
  });
});

describe('translucent', () => {
  it('writes a colour with its opacity', () => {
    expect(translucent('#0072b2', 0.5)).toBe('rgba(0,114,178,0.5)');
  });
});
