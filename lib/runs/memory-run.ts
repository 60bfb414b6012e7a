import type { RunPoint } from './metrics-file.js';
import type { LoadedRunCheckpoint, RunCheckpoint } from './run-checkpoint.js';
import type { RunFolder } from './run-folder.js';

/** What training needs of the place that keeps its run: a folder, or memory. */
export type RunStore<P extends RunPoint> = Pick<
  RunFolder<P>,
  | 'folder'
  | 'points'
  | 'checkpointStep'
  | 'completed'
  | 'append'
  | 'saveCheckpoint'
  | 'loadCheckpoint'
  | 'complete'
  | 'close'
>;

/** A run that is kept in memory: stopped, it goes on where it was, as long as the process lives. */
export class MemoryRun<P extends RunPoint> implements RunStore<P> {
  readonly folder = 'memory';
  points: P[] = [];
  completed = false;
  private checkpoint: RunCheckpoint | undefined;

  get checkpointStep(): number | undefined {
    return this.checkpoint?.step;
  }

  /** Takes off what lies behind the checkpoint, and lets a complete run go on to more steps. */
  reopen(steps: number): void {
    const last = this.checkpointStep ?? 0;
    this.points = this.points.filter(({ step }) => step <= last);
    if (steps > last) this.completed = false;
  }

  async append(point: P): Promise<void> {
    this.points.push(point);
  }

  async saveCheckpoint(checkpoint: RunCheckpoint): Promise<void> {
    this.checkpoint = checkpoint;
  }

  async loadCheckpoint(): Promise<LoadedRunCheckpoint | undefined> {
    if (!this.checkpoint) return undefined;
    const { step, state, tensors, model } = this.checkpoint;
    return {
      step,
      state,
      tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
      modelTensors: new Map(Array.from(model?.tensors ?? [], (tensor) => [tensor.name, tensor])),
    };
  }

  async complete(): Promise<void> {
    this.completed = true;
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }
}
