/** The pictures of one grid: loss against size and against tokens, and how far fits of it reach. Gaps: gap-figures.ts. */
import {
  canFitExcessLaw,
  fitExcessLaw,
  interval,
  lineFigure,
  predictCells,
  scatterFigure,
  type Annotation,
  type Figure,
  type GridCell,
  type LineSeries,
} from '@bitnet-notebooks/lib';
import { learnedCells, type Cell, type GridResults } from './results.js';

/** The axes of every picture of a grid. */
export const SIZE_AXIS = {
  title: 'Parameters N outside the embedding',
  unit: '',
  scale: 'log',
  format: '~s',
} as const;
export const TOKENS_AXIS = { title: 'Tokens D', unit: '', scale: 'log', format: '~s' } as const;

/** `5.2 k`, `4.1 M`. */
export function count(values: number): string {
  const [unit, name] = values < 1e6 ? [1e3, 'k'] : [1e6, 'M'];
  return `${Number((values / unit).toPrecision(2))} ${name}`;
}

/** How a grid's loss is drawn: what is left to learn where the entropy is known. */
function lossAxis({ entropy, unit }: GridResults): { title: string; unit: string; scale?: 'log' } {
  return entropy === undefined
    ? { title: 'Loss', unit }
    : { title: 'Loss on values − entropy', unit, scale: 'log' };
}

/** A line for each value of one axis, over the other; values with one point are left out where others have a line. */
export function linesBy<Place extends Pick<GridCell, 'parameters' | 'tokens'>>(
  cells: readonly Place[],
  along: 'parameters' | 'tokens',
  draw: (own: readonly Place[]) => Omit<LineSeries, 'name' | 'x'>,
): LineSeries[] {
  const other = along === 'parameters' ? 'tokens' : 'parameters';
  const all = [...new Set(cells.map((cell) => cell[other]))].sort((a, b) => a - b);
  const points = (value: number): number => cells.filter((cell) => cell[other] === value).length;
  const hasLine = all.some((value) => points(value) > 1);
  const values = all.filter((value) => !hasLine || points(value) > 1);
  return values.map((value): LineSeries => {
    const own = cells.filter((cell) => cell[other] === value).toSorted((a, b) => a[along] - b[along]);
    const name = `${other === 'tokens' ? 'D' : 'N'} = ${count(value)}`;
    return { name, x: own.map((cell) => cell[along]), markers: true, ...draw(own) };
  });
}

/** Share of an axis that a label is high, in the least chart. */
const LABEL_HEIGHT = 0.055;

/**
 * The name of each line at its end, so that no eye has to go to the legend. Names of lines that end close to each other are moved apart, in
 * the order of the lines.
 * @param scale of the y axis
 */
export function lineLabels(lines: readonly LineSeries[], scale: 'linear' | 'log' = 'linear'): Annotation[] {
  const [onAxis, back] = scale === 'log' ? [Math.log, Math.exp] : [Number, Number];
  // A loss below the entropy, which a sample can show, has no place on a logarithmic axis.
  const all = lines
    .flatMap(({ y, low = y, high = y }) => [y, low, high].flatMap((some) => Array.from(some, onAxis)))
    .filter(Number.isFinite);
  const least = LABEL_HEIGHT * (Math.max(...all) - Math.min(...all));
  const ascending = lines.toSorted((a, b) => a.y[a.y.length - 1] - b.y[b.y.length - 1]);
  const heights = apart(
    ascending.map(({ y }) => onAxis(y[y.length - 1])),
    least,
  );
  return ascending.map(({ name, x }, i) => ({
    x: x[x.length - 1],
    y: back(heights[i]),
    text: name,
    side: 'right',
  }));
}

/** Ascending values moved as little as need be for each to lie `least` above the one before: groups that touch share their middle. */
function apart(ascending: readonly number[], least: number): number[] {
  const groups: { middle: number; size: number }[] = [];
  for (const value of ascending) {
    let group = { middle: value, size: 1 };
    for (let last = groups.at(-1); last && overlap(last, group, least); last = groups.at(-1)) {
      groups.pop();
      const size = last.size + group.size;
      group = { middle: (last.middle * last.size + group.middle * group.size) / size, size };
    }
    groups.push(group);
  }
  return groups.flatMap(({ middle, size }) =>
    Array.from({ length: size }, (_, i) => middle + (i - (size - 1) / 2) * least),
  );
}

function overlap(
  below: { middle: number; size: number },
  above: { middle: number; size: number },
  least: number,
): boolean {
  return above.middle - below.middle < (least * (below.size + above.size)) / 2;
}

/** A logarithmic axis with room for {@link lineLabels} at its right. */
export function withRoom<Axis extends object>(
  axis: Axis,
  lines: readonly LineSeries[],
): Axis & { range?: [number, number] } {
  const values = lines.flatMap(({ x }) => Array.from(x));
  if (values.length === 0) return axis;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(2, high / low);
  return { ...axis, range: [low * span ** -0.05, high * span ** 0.22] };
}

/** Loss of one arm against size, a line for each number of tokens. Cells without anything learned are drawn, too. */
export function sizeFigure(grid: GridResults, arm: string): Figure {
  return lossFigure(grid, arm, 'parameters');
}

/** Loss of one arm against tokens, a line for each size. */
export function tokensFigure(grid: GridResults, arm: string): Figure {
  return lossFigure(grid, arm, 'tokens');
}

function lossFigure(grid: GridResults, arm: string, along: 'parameters' | 'tokens'): Figure {
  const { cells, label } = armOf(grid, arm);
  const series = linesBy(cells, along, (own) => ({ y: own.map(({ loss }) => loss - (grid.entropy ?? 0)) }));
  return lineFigure({
    title: `${label}: loss against ${along === 'tokens' ? 'tokens' : 'size'}`,
    subtitle: grid.title,
    x: withRoom(along === 'tokens' ? TOKENS_AXIS : SIZE_AXIS, series),
    y: lossAxis(grid),
    ordered: true,
    series,
    annotations: lineLabels(series, lossAxis(grid).scale),
    notes:
      grid.pass === undefined
        ? []
        : [`One pass through the text is ${count(grid.pass)} tokens; beyond, it repeats.`],
  });
}

/** All arms against size at the most tokens, with the law that each arm's whole grid was fitted with. */
export function lawFigure(grid: GridResults): Figure {
  const { entropy = 0, arms } = grid;
  const most = Math.max(...arms.flatMap(({ cells }) => cells.map(({ tokens }) => tokens)));
  return scatterFigure({
    title: 'Is the loss a power of size?',
    subtitle: `${grid.title}, ${count(most)} tokens; lines: A/N^α + B/D^β fitted to all cells of the arm`,
    x: SIZE_AXIS,
    y: lossAxis(grid),
    series: arms.map(({ arm, label, cells }) => {
      const own = cells.filter(({ tokens }) => tokens === most);
      const x = own.map(({ parameters }) => parameters);
      const fitted = learnedCells(grid, arm);
      const hasLaw = grid.entropy !== undefined && canFitExcessLaw(fitted);
      const law = hasLaw ? fitExcessLaw(fitted, entropy) : undefined;
      return {
        name: label,
        x,
        y: own.map(({ loss }) => loss - entropy),
        ...(law && { fit: { x, y: x.map((parameters) => law.at(parameters, most) - entropy) } }),
      };
    }),
  });
}

/**
 * Cells held out, measured against what a law of the others says of them, where those are enough for one. On the line they would
 * agree.
 */
export function predictionFigure(grid: GridResults, arm: string): Figure {
  const entropy = requireEntropy(grid);
  const cells = learnedCells(grid, arm);
  const held = (axis: 'parameters' | 'tokens') => {
    const most = Math.max(...cells.map((cell) => cell[axis]));
    if (!canFitExcessLaw(cells.filter((cell) => cell[axis] < most))) return [];
    const found = predictCells(cells, entropy, (cell) => cell[axis] === most);
    const reach = found.map(({ error }) => interval({ ...error, value: 0 }).high);
    const predicted = found.map((cell) => cell.predicted - entropy);
    const name = axis === 'parameters' ? `largest, N = ${count(most)}` : `longest, D = ${count(most)}`;
    return {
      name,
      x: predicted,
      y: found.map(({ loss }) => loss - entropy),
      lowX: predicted.map((excess, i) => excess * Math.exp(-reach[i])),
      highX: predicted.map((excess, i) => excess * Math.exp(reach[i])),
    };
  };
  const series = [held('parameters'), held('tokens')].flat();
  const all = series.flatMap(({ x, y }) => [...x, ...y]);
  const ends = [0.9 * Math.min(...all), 1.1 * Math.max(...all)];
  return scatterFigure({
    title: `Fit the rest, predict the outermost: ${armOf(grid, arm).label}`,
    subtitle: `${grid.title}; excess over the entropy, 95 % intervals of the prediction`,
    x: { title: 'Predicted excess', unit: grid.unit, scale: 'log' },
    y: { title: 'Measured excess', unit: grid.unit, scale: 'log' },
    series: series.map((one, i) =>
      i === 0 ? { ...one, fit: { x: ends, y: ends, dash: 'dot' as const } } : one,
    ),
  });
}

/** @throws Error that names the arms there are */
export function armOf({ arms, title }: GridResults, arm: string): { label: string; cells: Cell[] } {
  const found = arms.find((one) => one.arm === arm);
  if (found) return found;
  throw new Error(
    `scaling law: the arm must be one of ${arms.map((one) => one.arm).join(', ')} on ${title}, got ${arm}.`,
  );
}

/** @throws Error for a text */
export function requireEntropy({ entropy, title }: GridResults): number {
  if (entropy !== undefined) return entropy;
  throw new Error(
    `scaling law: the entropy must be known for this figure, got ${title}. Take a grid of Zipf facts.`,
  );
}
