/** What graphs take they give back: over many steps of one, and over many graphs. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../lib/backend/graph/graph.js';
import { DATA_TYPES } from '../../../lib/backend/graph/saved-model.js';
import { GraphSession } from '../../../lib/backend/graph/session.js';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { BitLM } from '../../../lib/model/bitlm.js';
import { AdamW } from '../../../lib/training/adamw.js';
import { TrainingSteps } from '../../../lib/training/steps.js';
import { config, corpus } from '../small-run.js';

const HAS_TENSORFLOW = await startTensorFlow({ prefer: 'tensorflow' }).then(
  () => true,
  () => false,
);
const MEGABYTE = 2 ** 20;
const GRAPHS = Number(process.env.BITNET_GRAPHS ?? 0);

describe.runIf(HAS_TENSORFLOW)('memory', () => {
  it('is flat over 3,000 steps', () => {
    const model = new BitLM(config, { seed: 1 });
    const steps = new TrainingSteps(model, { sequences: 2, steps: 4000, clipNorm: 1 });
    const train = (count: number): void => {
      for (let step = 0; step < count; step++) {
        const batch = corpus.sampleBatch(step % 50, 1, 2, 8);
        steps.step(batch, { learningRate: 1e-3, weightDecay: 0.1 });
        // As a checkpoint does now and then.
        if (step % 100 === 0) model.tensors();
      }
    };
    train(500);
    expect(steps.isCompiled).toBe(true);
    const [tensors, resident] = [tf.memory().numTensors, process.memoryUsage.rss()];
    train(3000);
    expect(tf.memory().numTensors).toBe(tensors);
    // A leak of one value of every parameter in each step would be 60 MB.
    expect(process.memoryUsage.rss() - resident).toBeLessThan(40 * MEGABYTE);
    steps.close();
    model.dispose();
  });

  it('does not grow by optimizers that are made and dropped', () => {
    const model = new BitLM(config, { seed: 1 });
    const make = (count: number): void => {
      for (let i = 0; i < count; i++) new AdamW(model.parameters).dispose();
    };
    make(50);
    const resident = process.memoryUsage.rss();
    make(600);
    // TensorFlow keeps 2 to 3 kB for every name of a variable: 150 MB, if each had its own.
    expect(process.memoryUsage.rss() - resident).toBeLessThan(40 * MEGABYTE);
    model.dispose();
  });

  // Takes a minute of one core: BITNET_GRAPHS=200 npx vitest run test/training/compiled/memory.test.ts
  it.runIf(GRAPHS > 0)('does not grow by runs whose graphs are made and dropped', () => {
    const run = (): void => {
      const model = new BitLM(config, { seed: 1 });
      const steps = new TrainingSteps(model, { sequences: 2, steps: 100, clipNorm: 1 });
      for (let step = 0; step < 4; step++) {
        const batch = corpus.sampleBatch(step, 1, 2, 8);
        steps.step(batch, { learningRate: 1e-3, weightDecay: 0.1 });
      }
      expect(steps.isCompiled).toBe(true);
      steps.close();
      model.dispose();
    };
    for (let i = 0; i < 40; i++) run();
    const [tensors, resident] = [tf.memory().numTensors, process.memoryUsage.rss()];
    for (let i = 0; i < GRAPHS; i++) run();
    expect(tf.memory().numTensors).toBe(tensors);
    const growth = process.memoryUsage.rss() - resident;
    console.log(`${GRAPHS} runs: ${(growth / MEGABYTE).toFixed(1)} MB more`);
    expect(growth).toBeLessThan(20 * MEGABYTE);
  });

  it('does not grow by variables of graphs that are dropped', () => {
    const { float32 } = DATA_TYPES;
    const VALUES = 2 ** 18; // 1 MB
    const make = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const graph = new Graph();
        const handle = graph.add('variable', 'VarHandleOp', [], {
          container: { string: '' },
          shared_name: { string: 'variable' },
          dtype: { type: float32 },
          shape: { shape: [VALUES] },
        });
        const value = graph.placeholder('value', float32, [VALUES]);
        const assigned = graph.add('assign', 'AssignVariableOp', [handle, value], {
          dtype: { type: float32 },
        });
        graph.add('done', 'Identity', [graph.number(i, float32), `^${assigned}`], { T: { type: float32 } });
        const session = GraphSession.open(graph);
        const feed = { type: float32, shape: [VALUES], values: new Float32Array(VALUES).fill(i) };
        expect([...session.values(new Map([['value', feed]]), ['done'])[0]]).toEqual([i]);
        session.close();
      }
    };
    make(40);
    const resident = process.memoryUsage.rss();
    make(200);
    // Their variables alone would be 200 MB.
    expect(process.memoryUsage.rss() - resident).toBeLessThan(60 * MEGABYTE);
  });
});
