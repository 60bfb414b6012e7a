/**
 * npm run bench -- export [--layers 30] [--format packed|i2_s|tq2_0]: seconds to export master weights of the shape of
 * 2B4T, by the clock and by the processor. The weights are random, in BF16, in a temporary folder (4.8 GB), and read once
 * before the clock starts: what is measured is the export, and not the disk.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportCheckpoint, EXPORT_FORMATS } from '@bitnet-notebooks/lib';
import { syntheticCheckpoint } from '../inference-2b4t/synthetic-checkpoint.js';
import { PUBLISHED_CONFIG } from '../inference-2b4t/results.js';

/** Exports such a model in one format or in all, and prints a table. */
export async function benchExport(args: string[]): Promise<void> {
  const { layers, format } = parseArgs({
    args,
    options: {
      layers: { type: 'string', default: String(PUBLISHED_CONFIG.num_hidden_layers) },
      format: { type: 'string' },
    },
  }).values;
  const formats = EXPORT_FORMATS.filter((name) => format === undefined || name === format);
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-bench-export-'));
  try {
    const source = join(folder, 'master');
    await syntheticCheckpoint(source, { layers: Number(layers), form: 'master' });
    for await (const _ of createReadStream(join(source, 'model.safetensors'), { highWaterMark: 2 ** 24 }));
    console.log(`${layers} layers, ${availableParallelism()} cores, ${cpus()[0].model}`);
    console.log('| format | by the clock, s | by the processor, s | bytes of weights |');
    console.log('|---|---|---|---|');
    for (const name of formats) {
      const output = join(folder, name === 'packed' ? name : `${name}.gguf`);
      const cpu = process.cpuUsage();
      const start = performance.now();
      const { fileBytes } = await exportCheckpoint(source, { format: name, output });
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      console.log(
        `| ${name} | ${seconds.toFixed(1)} | ${((user + system) / 1e6).toFixed(1)} | ${fileBytes} |`,
      );
      await rm(output, { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
