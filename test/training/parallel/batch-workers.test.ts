/** Training on several threads gives what one thread gives, to rounding, and always the same. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { ACTIVATION_QUANTIZERS, type AblationOptions, type ModelConfig } from '../../../lib/config.js';
import { BitLM } from '../../../lib/model/bitlm.js';
import { AdamW } from '../../../lib/training/adamw.js';
import { BatchWorkers, isSplittable, split } from '../../../lib/training/parallel/batch-workers.js';
import { schedule } from '../../../lib/training/schedule.js';
import { lossAndGradients, update, type LossAndGradients } from '../../../lib/training/step.js';
import { train } from '../../../lib/training/train.js';
import type { TrainingPoint } from '../../../lib/training/types.js';
import { config, corpus, options } from '../small-run.js';

const THREADS = 3;
const BACKENDS = await startTensorFlow({ prefer: 'tensorflow', threads: THREADS }).then(
  () => ['tensorflow', 'wasm'] as const,
  () => ['wasm'] as const,
);

/** Five sequences, so that three threads get unequal shares. */
const SEQUENCES = 5;
const batch = corpus.sampleBatch(0, 1, SEQUENCES, 16);

function withOptions(changed: Partial<AblationOptions>): ModelConfig {
  const { quantization_config: _, ...plain } = config;
  return {
    ...plain,
    bitlm: {
      weight_quantizer: 'absmean-ternary',
      activation_quantizer: 'absmax-int8-token',
      norm_placement: 'subln',
      straight_through: 'identity',
      ...changed,
    },
  };
}

/** Values of gradients by name; the tensors are freed. */
function read({ gradients }: LossAndGradients): Map<string, Float32Array> {
  const values = new Map(Array.from(gradients, ([name, g]) => [name, g.dataSync<'float32'>().slice()]));
  tf.dispose([...gradients.values()]);
  return values;
}

/** Largest difference of a value, to the largest value of its tensor. */
function difference(a: Map<string, Float32Array>, b: Map<string, Float32Array>): number {
  let largest = 0;
  for (const [name, values] of a) {
    const others = b.get(name)!;
    const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
    values.forEach((value, at) => {
      largest = Math.max(largest, Math.abs(value - others[at]) / scale);
    });
  }
  return largest;
}

/** Gradients of the parts of a batch, added up in this process. */
function summed(model: BitLM): Map<string, Float32Array> {
  const total = new Map<string, Float32Array>();
  for (const part of split(batch, SEQUENCES, THREADS)) {
    for (const [name, values] of read(lossAndGradients(model, part.batch, part.sequences, part.share))) {
      const sum = total.get(name);
      if (sum) values.forEach((value, at) => (sum[at] += value));
      else total.set(name, values);
    }
  }
  return total;
}

describe('split', () => {
  it('cuts a batch into whole sequences, nearly equal, none left out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 20 }), (parts, more) => {
        const sequences = parts + more;
        const inputs = Int32Array.from({ length: sequences * 3 }, (_, i) => i);
        const targets = inputs.map((id) => id + 1);
        const all = split({ inputs, targets }, sequences, parts);
        expect(all.flatMap(({ batch: { inputs } }) => [...inputs])).toEqual([...inputs]);
        expect(all.flatMap(({ batch: { targets } }) => [...targets])).toEqual([...targets]);
        const counts = all.map((part) => part.sequences);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(counts.reduce((sum, count) => sum + count)).toBe(sequences);
        for (const { sequences: count, share } of all) expect(share).toBeCloseTo(count / sequences, 12);
      }),
    );
  });
});

describe.each(BACKENDS)('training on three threads, %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend, threads: THREADS });
  });

  it.each(ACTIVATION_QUANTIZERS)(
    '%s: splits a batch if its gradient is the sum of its parts',
    (quantizer) => {
      const model = new BitLM(withOptions({ activation_quantizer: quantizer }), { seed: 1 });
      const apart = difference(read(lossAndGradients(model, batch, SEQUENCES)), summed(model));
      expect(apart < 1e-5).toBe(isSplittable(model.options));
      model.dispose();
    },
  );

  it('gives the gradient of the whole batch, and the same bits twice', async () => {
    const model = new BitLM(config, { seed: 1 });
    const alone = lossAndGradients(model, batch, SEQUENCES);
    const workers = (await BatchWorkers.open(model, SEQUENCES))!;
    const together = await workers.lossAndGradients(batch, SEQUENCES);
    const again = await workers.lossAndGradients(batch, SEQUENCES);
    await workers.close();
    expect(together.loss).toBeCloseTo(alone.loss, 6);
    expect(again.loss).toBe(together.loss);
    const [a, b, c] = [alone, together, again].map(read);
    expect(difference(a, b)).toBeLessThan(1e-5);
    expect(c).toEqual(b);
    model.dispose();
  });

  it('trains alone where a scale or gradient depends on the whole batch, or the batch has one sequence', async () => {
    for (const quantizer of ['absmax-int8-tensor', 'elastic-int8'] as const) {
      const model = new BitLM(withOptions({ activation_quantizer: quantizer }), { seed: 1 });
      expect(await BatchWorkers.open(model, SEQUENCES)).toBeUndefined();
      model.dispose();
    }
    const down = withOptions({ down_activation_quantizer: 'absmax-int8-tensor' });
    const model = new BitLM(down, { seed: 1 });
    expect(await BatchWorkers.open(model, SEQUENCES)).toBeUndefined();
    model.dispose();
    const other = new BitLM(config, { seed: 1 });
    expect(await BatchWorkers.open(other, 1)).toBeUndefined();
    other.dispose();
  });

  it('follows the losses of one thread, holds no more tensors with every step, and may run twice at once', async () => {
    const expected = trainedAlone(12);
    const [first, second] = [new BitLM(config, { seed: 1 }), new BitLM(config, { seed: 1 })];
    const left = train(first, corpus, options(12));
    const right = train(second, corpus, options(12));
    const found: number[][] = [];
    let held = 0;
    for (const loss of expected) {
      const [a, b] = [await left.next(), await right.next()] as IteratorYieldResult<TrainingPoint>[];
      expect(a.value.trainLoss).toBeCloseTo(loss, 4);
      found.push([a.value.trainLoss, b.value.trainLoss]);
      if (a.value.step === 3) held = tf.memory().numTensors;
    }
    expect(tf.memory().numTensors).toBe(held);
    for (const [a, b] of found) expect(b).toBe(a);
    await Promise.all([left.return(), right.return()]);
    tf.dispose([first, second].flatMap((model) => [...model.parameters.values()]));
  });

  it('says that a worker failed, and goes on with the next batch', async () => {
    const model = new BitLM(config, { seed: 1 });
    const workers = (await BatchWorkers.open(model, SEQUENCES))!;
    read(await workers.lossAndGradients(batch, SEQUENCES));
    const held = tf.memory().numTensors;
    // The last worker has ids without targets.
    const broken = { ...batch, targets: batch.targets.slice(0, 4 * 16) };
    await expect(workers.lossAndGradients(broken, SEQUENCES)).rejects.toThrow(/train: a worker failed: /);
    expect(tf.memory().numTensors).toBe(held);
    const after = await workers.lossAndGradients(batch, SEQUENCES);
    expect(Number.isFinite(after.loss)).toBe(true);
    read(after);
    await workers.close();
    model.dispose();
  });

  it('ends a run whose worker is killed, says so, and the next run has another', async () => {
    const model = new BitLM(config, { seed: 1 });
    const run = (await BatchWorkers.open(model, SEQUENCES))!;
    const inside = run as unknown as { processes: { child: ChildProcess }[] };
    const steps = async (): Promise<void> => {
      for (;;) read(await run.lossAndGradients(batch, SEQUENCES));
    };
    const killed = sleep(50).then(() => inside.processes[1].child.kill('SIGKILL'));
    await expect(Promise.all([steps(), killed])).rejects.toThrow(
      /a worker must live until the run ends, but it was ended by SIGKILL/,
    );
    await run.close();
    const workers = (await BatchWorkers.open(model, SEQUENCES))!;
    read(await workers.lossAndGradients(batch, SEQUENCES));
    await workers.close();
    model.dispose();
  });
});

describe('files of the workers', () => {
  let before: string | undefined;
  let disk: string;
  beforeAll(async () => {
    before = process.env.TMPDIR;
    disk = await mkdtemp(join(tmpdir(), 'batch-workers-disk-'));
    process.env.TMPDIR = disk;
  });
  afterAll(async () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(disk, { recursive: true, force: true });
  });

  it('are gone when a run ends', async () => {
    const model = new BitLM(config, { seed: 1 });
    const workers = (await BatchWorkers.open(model, SEQUENCES))!;
    read(await workers.lossAndGradients(batch, SEQUENCES));
    await workers.close();
    expect(await readdir(disk)).toEqual([]);
    model.dispose();
  });

  it('on a full disk: says so, and leaves nothing', async ({ skip }) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return skip('needs the right to mount a small file system');
    }
    const model = new BitLM(config, { seed: 1 });
    try {
      await expect(BatchWorkers.open(model, SEQUENCES)).rejects.toThrow(
        /train: the file must be within the free disk space/,
      );
      expect(await readdir(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
    const workers = (await BatchWorkers.open(model, SEQUENCES))!;
    read(await workers.lossAndGradients(batch, SEQUENCES));
    await workers.close();
    model.dispose();
  });
});

/** Training losses in this process alone. */
function trainedAlone(steps: number): number[] {
  const { schedule: kind, seeds, batch: sequences, context } = options(steps);
  const model = new BitLM(config, { seed: seeds.weights });
  const optimizer = new AdamW(model.parameters);
  const rates = schedule(kind);
  const losses = Array.from({ length: steps }, (_, step) => {
    const windows = corpus.sampleBatch(step, seeds.batches, sequences, context);
    const found = lossAndGradients(model, windows, sequences);
    return update(optimizer, found, { ...rates(step), clipNorm: 1 }).loss;
  });
  optimizer.dispose();
  model.dispose();
  return losses;
}
