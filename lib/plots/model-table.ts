/** A model at a glance: its parts, their shapes, and the bits of their weights and inputs. */
import {
  FULL_PRECISION,
  type AblationOptions,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from '../ablation-options.js';
import { ablationOptions, type ModelConfig } from '../config.js';
import { quote } from '../io/quote.js';
import { countParameters, parameterSpecs } from '../parameters.js';
import { countValues } from '../shape.js';
import { toText } from './draw/written-table.js';
import { show } from './notebook.js';
import { table, type Table } from './table.js';

/** Anything that says of itself how it is built: models of both engines. */
export interface Described {
  readonly config: ModelConfig;
}

/** What a weight may be, times one scale for its matrix, and how many bits that takes. */
const WEIGHTS: Readonly<Record<WeightQuantizerName, readonly [levels: string, bits: string]>> = {
  none: ['float', '32'],
  sign: ['−1, +1', '1'],
  'absmean-ternary': ['−1, 0, +1', '1.58'],
  'absmedian-ternary': ['−1, 0, +1', '1.58'],
  'zero-one': ['0, +1', '1'],
  'absmax-2bit': ['−1, 0, +1', '2'],
  'absmax-3bit': ['−3 … 3', '3'],
  'absmax-4bit': ['−7 … 7', '4'],
  'absmax-6bit': ['−31 … 31', '6'],
  'absmax-8bit': ['−127 … 127', '8'],
};

const INPUTS: Readonly<Record<ActivationQuantizerName, string>> = {
  none: 'float',
  'absmax-int8-token': 'int8 by token',
  'absmax-int8-tensor': 'int8, one scale',
  'absmax-int4-token': 'int4 by token',
  'absmean-int4-token': 'int4 by token',
  'top-half-int8-token': 'int8, the larger half',
  'elastic-int8': 'int8, a learned scale',
};

/** Shows a model as a table of its layers, shapes and bits: `print(model)`. */
export function print(model: Described): void {
  if (typeof model?.config !== 'object') {
    throw new TypeError(
      `print: it must get a model, got ${quote(model, 60)}. Figures and tables are shown by show().`,
    );
  }
  show(modelTable(model));
}

/** Lets `console.log(model)` write the table, too, where it would write the insides of the class. */
export function logAsTable({ prototype }: { prototype: Described }): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: Described): string {
      return toText(modelTable(this));
    },
  });
}

/** One row for each kind of tensor; what every layer has stands once, with the number of layers. */
export function modelTable({ config }: Described): Table {
  const options = ablationOptions(config);
  const parts = new Map<string, { shape: number[]; quantized: boolean; count: number }>();
  for (const { name, shape, quantized } of parameterSpecs(config)) {
    const part = name
      .replace(/^model\./, '')
      .replace(/\.weight$/, '')
      .replace(/^layers\.\d+\./, '');
    const known = parts.get(part);
    if (known === undefined) parts.set(part, { shape, quantized, count: 1 });
    else known.count += 1;
  }
  const { total, quantized } = countParameters(config);
  const rows = [...parts].map(([part, { shape, quantized: isQuantized, count }]) => ({
    part,
    shape: shape.join(' × '),
    count,
    parameters: count * countValues(shape),
    ...weightsOf(isQuantized ? options : FULL_PRECISION),
    inputs: isQuantized ? inputsOf(options, part) : '',
  }));
  const { num_hidden_layers: layers, hidden_size: width, num_attention_heads: heads } = config;
  return table(rows, {
    title: `${total.toLocaleString('en')} parameters in ${layers} layers, ${width} wide, with ${heads} heads`,
    columns: { shape: { title: 'out × in' }, count: { title: 'times' } },
    notes: [`${((100 * quantized) / total).toFixed(1)} % of the parameters are weights of BitLinear layers.`],
  });
}

function weightsOf(options: AblationOptions): { weights: string; bits: string } {
  const { own_weight_quantizer: own, weight_quantizer: name } = options;
  const { weight_groups: groups, weight_group_size: size } = options;
  if (own !== undefined) return { weights: nameOf(own), bits: '' };
  const [levels, bits] = WEIGHTS[name];
  if (groups !== undefined) return { weights: `${levels}, ${groups} scales`, bits };
  return { weights: levels + (size === undefined ? '' : `, a scale for ${size}`), bits };
}

function inputsOf(options: AblationOptions, part: string): string {
  const { own_activation_quantizer: own, activation_quantizer: name } = options;
  if (own !== undefined) return nameOf(own);
  if (part.endsWith('down_proj')) return INPUTS[options.down_activation_quantizer ?? name];
  if (part.endsWith('o_proj')) return INPUTS[options.output_activation_quantizer ?? name];
  return INPUTS[name];
}

/** An own quantizer's id without the hash of its source. */
function nameOf(id: string): string {
  return `own: ${id.slice(0, id.lastIndexOf(' '))}`;
}
