/**
 * npm run bench -- shapes: one token through all layers of the shapes of BitNet b1.58's Table 1 and of 2B4T, with ternary,
 * fp16 and fp32 weights on the same kernel, against the speed at which the same threads read memory. Weights are made up.
 * Shapes that do not fit are measured by as many layers as do. `--record` keeps the figures for notebook 3b and the README.
 * Every shape gets a process of its own; its forms take turns in it.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  BITNET_2B4T_SHAPE,
  BITNET_B158_SHAPES,
  measureShape,
  type ShapeSpeed,
  type TransformerShape,
  type WeightForm,
} from '@bitnet-notebooks/lib';
import { measuredApart, measuredHere, writeMeasured } from '../record/measured.js';

const SHAPES: readonly TransformerShape[] = [...BITNET_B158_SHAPES, BITNET_2B4T_SHAPE];
const FORMS: readonly WeightForm[] = ['ternary', 'fp16', 'fp32'];
const THREADS = [1, 2];
const SCRIPT = fileURLToPath(import.meta.url);

/** Most memory of a form: three lie side by side and take turns, and a token still goes through far more than any cache. */
const FORM_BYTES = 1.7e9;

function measure(shape: string): Promise<ShapeSpeed[]> {
  const found = SHAPES.find(({ name }) => name === shape)!;
  return measureShape(found, FORMS, { threads: THREADS, memoryBytes: FORM_BYTES });
}

const gb = (bytes: number): string => (bytes / 1e9).toFixed(2);

function print(one: ShapeSpeed): void {
  const measured = one.layersMeasured < one.layers ? ` from ${one.layersMeasured} of ${one.layers}` : '';
  console.log(
    `${one.shape.padEnd(12)} ${one.form.padEnd(8)} ${one.threads} thread${one.threads === 1 ? ' ' : 's'} ` +
      `${one.layersMs.toFixed(1).padStart(7)} ms layers${measured}, ${one.headMs.toFixed(1)} ms head; ` +
      `${gb(one.layersBytes)} GB at ${gb(one.bytesPerSecond)} GB/s, ` +
      `${(one.bytesPerSecond / one.memoryBytesPerSecond).toFixed(2)} of the ${gb(one.memoryBytesPerSecond)} GB/s of plain reading`,
  );
}

/** Measures every shape in every form, and prints. */
export async function benchShapes(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { only: { type: 'string', default: '' }, record: { type: 'boolean', default: false } },
  });
  const shapes = SHAPES.filter(({ name }) => name.includes(values.only));
  if (shapes.length === 0 || (values.record && shapes.length < SHAPES.length)) {
    const names = SHAPES.map(({ name }) => name).join(', ');
    throw new Error(
      `bench shapes: --only must name one of ${names}, and not stand beside --record, got ${values.only}.`,
    );
  }
  const measurements = shapes.flatMap(({ name }) => {
    const measured = measuredApart(name, [process.execPath, SCRIPT, name]) as ShapeSpeed[];
    measured.forEach(print);
    return measured;
  });
  if (values.record) await writeMeasured('shapes', measuredHere('shapes', measurements));
}

const [, script, shape] = process.argv;
if (script === SCRIPT) console.log(JSON.stringify(await measure(shape)));
