/** The tensors that a config asks for, held against those that a file has. */
import { quote } from '../io/quote.js';
import type { ModelConfig } from '../config.js';
import { parameterSpecs, type ParameterSpec } from '../parameters.js';
import { CheckpointError } from './checkpoint-error.js';

/** The fewest matrices that a layer can have: q, k, v, o, up, down. All bodies but the first paper's have a gate too. */
const LEAST_MATRICES = 6;
/** Names in one message; a wrong config can make thousands differ. */
const MAX_NAMES = 3;

/**
 * The tensors of the model that `config` describes, after checking that exactly these are there.
 * @param present names in the files, transformers' spelling
 * @throws CheckpointError naming the first tensors that are missing or left over
 */
export function expectedTensors(
  config: ModelConfig,
  present: ReadonlySet<string>,
  operation: string,
  file: string,
): ParameterSpec[] {
  // Asked first: a damaged config can claim millions of layers, and listing their tensors would fill the memory.
  const least = config.num_hidden_layers * LEAST_MATRICES;
  if (least > present.size) {
    throw new CheckpointError({
      operation,
      file,
      what: 'number of tensors',
      expected: `at least ${least}, as num_hidden_layers ${config.num_hidden_layers} asks for`,
      found: `${present.size}`,
      hint: 'The config belongs to another model, or a file is missing.',
    });
  }
  const specs = parameterSpecs(config);
  const wanted = new Set(specs.map(({ name }) => name));
  const missing = [...wanted].filter((name) => !present.has(name));
  const extra = [...present].filter((name) => !wanted.has(name));
  const [tensor] = missing.length > 0 ? missing : extra;
  if (tensor !== undefined) {
    throw new CheckpointError({
      operation,
      file,
      tensor,
      what: 'the tensors',
      expected: `the ${wanted.size} that the config asks for`,
      found: [describe('missing', missing), describe('left over', extra)].filter(Boolean).join('; '),
      hint: 'The config belongs to another model, or a file is missing or damaged.',
    });
  }
  return specs;
}

function describe(label: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `${label}: ${names
    .slice(0, MAX_NAMES)
    .map((name) => quote(name))
    .join(', ')}${more}`;
}
