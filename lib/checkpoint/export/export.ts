/** A model folder turned into what inference engines read: packed safetensors, or GGUF with I2_S or TQ2_0 matrices. */
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelConfig } from '../../config.js';
import { CheckpointError } from '../checkpoint-error.js';
import { explainSystemError } from '../../io/file-error.js';
import { narrowHalf, type HalfDtype } from '../dtypes.js';
import { WEIGHTS_PER_BYTE } from '../encodings.js';
import { ExportPlan, type ExportFormat } from './export-plan.js';
import { writeGgufFile } from './gguf-file.js';
import { readJsonFile } from '../../io/json-file.js';
import { readOptionalText } from '../../io/whole-file.js';
import { readReplaced, replaceFolder } from '../../io/replace-folder.js';
import { MODEL_FOLDER } from '../model-folder.js';
import { FILES_BESIDE_WEIGHTS } from '../../io/model-files.js';
import { packTernary } from '../packing.js';
import { openSafetensorsFolder } from '../safetensors/checkpoint.js';
import { SINGLE_FILE } from '../safetensors/shards.js';
import { writeSafetensors, type TensorToWrite } from '../safetensors/safetensors.js';

const operation = 'export checkpoint';

/** What an export made. */
export interface ExportResult {
  /** The folder or file written. */
  output: string;
  /** Bytes of the file with the weights: the .gguf file, or the folder's model.safetensors. */
  fileBytes: number;
  /** Those of the ternary matrices alone, with the scales that lie between them. */
  ternaryBytes: number;
  /** What the engine that the format is for will not do as this project does, a sentence or two each. */
  notes: string[];
}

/**
 * Exports a model folder. Each matrix becomes ternary exactly as in training; its scale has the precision of the
 * master weights (in TQ2_0 that of F16). Embedding and norms keep their values: they have the same dtype in `packed`, and in
 * GGUF norms are F32 and embeddings F16 where that keeps their values. One matrix at a time is in memory.
 * @param source a folder with config.json and model.safetensors: online master weights, or already packed
 * @param options.output a folder for `packed`, else a .gguf file; an old one is replaced when the new one is whole
 * @throws CheckpointError, before anything is written, if the model or a shape does not fit the format, or if anything
 *   but an earlier export is in the place of the output
 */
export async function exportCheckpoint(
  source: string,
  { format, output, signal }: { format: ExportFormat; output: string; signal?: AbortSignal },
): Promise<ExportResult> {
  requireOutput(format, output);
  const checkpoint = await readReplaced(source, () => openSafetensorsFolder(source, signal));
  try {
    const plan = new ExportPlan(checkpoint, format, signal);
    if (format === 'packed') await writePackedFolder(plan, output);
    else await writeGgufFile(plan, format, output);
    const { size: fileBytes } = await stat(format === 'packed' ? join(output, SINGLE_FILE) : output);
    return {
      output,
      fileBytes,
      ternaryBytes: plan.ternaryBytes(),
      notes: notesOn(checkpoint.config, format),
    };
  } catch (error) {
    throw explainSystemError(operation, output, error);
  } finally {
    await checkpoint.close();
  }
}

/** llama.cpp computes the architecture `bitnet` in one way, whatever a file says: SwiGLU, and a tied output matrix. */
function notesOn(config: ModelConfig, format: ExportFormat): string[] {
  if (format !== 'tq2_0') return [];
  const notes: string[] = [];
  if (config.hidden_act !== 'silu') {
    notes.push(
      `llama.cpp computes such files with silu; this model has ${config.hidden_act}, and would write nonsense there.`,
    );
  }
  if (!config.tie_word_embeddings)
    notes.push('llama.cpp refuses such files with an output matrix of their own.');
  if (config.head_dim * config.num_attention_heads !== config.hidden_size) {
    notes.push('llama.cpp refuses such files whose heads together are not as wide as hidden_size.');
  }
  return notes;
}

function requireOutput(format: ExportFormat, output: string): void {
  const fail = (expected: string, found: string): never => {
    throw new CheckpointError({ operation, file: output, what: 'output', expected, found });
  };
  const isGguf = output.toLowerCase().endsWith('.gguf');
  if (format === 'packed' && isGguf) fail('a folder for packed', 'the name of a .gguf file');
  if (format !== 'packed' && !isGguf) fail(`the name of a .gguf file for ${format}`, basename(output));
}

async function writePackedFolder(plan: ExportPlan, output: string): Promise<void> {
  const { source } = plan.checkpoint;
  const config = (await readJsonFile(source, 'config.json', operation)) as Record<string, unknown>;
  config.quantization_config = {
    quant_method: 'bitnet',
    linear_class: 'autobitlinear',
    quantization_mode: 'offline',
  };
  const own = { ...MODEL_FOLDER, operation };
  await replaceFolder(output, { own, keep: [source] }, async (folder) => {
    await writeSafetensors(join(folder, SINGLE_FILE), packedTensors(plan), { format: 'pt' });
    await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`, {
      flush: true,
    });
    for (const name of FILES_BESIDE_WEIGHTS) {
      const isThere = (await readOptionalText(source, name, operation)) !== undefined;
      if (isThere) await copyFile(join(source, name), join(folder, name));
    }
  });
}

function packedTensors(plan: ExportPlan): TensorToWrite[] {
  const { dtype, others, matrices } = plan;
  return [
    ...others.map((entry) => ({
      name: entry.name,
      dtype: entry.encoding as 'F32' | HalfDtype,
      shape: entry.shape,
      data: () => plan.pieces(entry),
    })),
    ...matrices.map((entry) => ({
      name: entry.name,
      dtype: 'U8' as const,
      shape: [entry.shape[0] / WEIGHTS_PER_BYTE, entry.shape[1]],
      data: async function* () {
        yield packTernary('packed', await plan.matrix(entry));
      },
    })),
    // Scales stand in front of the matrices in the file, so a matrix is read once for each.
    ...matrices.map((entry) => ({
      name: `${entry.name}_scale`,
      dtype,
      shape: [1],
      data: async function* () {
        const scale = Float32Array.of(await plan.scale(entry));
        yield new Uint8Array((dtype === 'F32' ? scale : narrowHalf(dtype, scale)).buffer);
      },
    })),
  ];
}
