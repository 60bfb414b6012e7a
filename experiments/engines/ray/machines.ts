import type { RayNode } from './jobs-client.js';

/** Which of the cluster's machines a run may go to. */
export class Machines {
  /** Why machines refuse all runs, by node id. */
  readonly #refusing = new Map<string, string>();
  /** Machines that a run has crashed on. */
  readonly #avoided = new Map<string, Set<string>>();

  constructor(readonly known: () => readonly RayNode[]) {}

  /** CPUs of the machines that refuse nothing. */
  get cpus(): number {
    return this.#usable().reduce((sum, { resources_total: total }) => sum + Math.floor(total?.CPU ?? 0), 0);
  }

  refuse(nodeId: string | undefined, why: string): void {
    if (nodeId !== undefined) this.#refusing.set(nodeId, why);
  }

  avoid(runId: string, nodeId: string | undefined): void {
    if (nodeId === undefined) return;
    const avoided = this.#avoided.get(runId) ?? new Set();
    this.#avoided.set(runId, avoided.add(nodeId));
  }

  forget(runId: string): void {
    this.#avoided.delete(runId);
  }

  /**
   * What Ray is asked for: no machine that refuses, and none that this run has crashed on, while there are others.
   * @returns undefined where any machine will do
   * @throws Error where all machines refuse
   */
  selector(runId: string): Record<string, string> | undefined {
    const usable = this.#usable();
    if (usable.length === 0 && this.#refusing.size > 0) {
      const reasons = [...new Set(this.#refusing.values())].map((why) => `\n  ${why}`);
      throw new Error(
        `ray engine: a machine of the cluster must take runs, got refusals from all:${reasons.join('')}`,
      );
    }
    const avoided = this.#avoided.get(runId) ?? new Set();
    const others = usable.some(({ node_id }) => !avoided.has(node_id));
    const not = [...this.#refusing.keys(), ...(others ? avoided : [])];
    return not.length > 0 ? { 'ray.io/node-id': `!in(${not.join(',')})` } : undefined;
  }

  /** For people. */
  describe(): string {
    const usable = this.#usable();
    if (usable.length === 0)
      return 'the cluster has no machine with CPUs; start one with `ray start --address`';
    const refusing = this.#refusing.size > 0 ? `, ${this.#refusing.size} more refuse` : '';
    return `the cluster's ${this.cpus} CPUs on ${usable.length} machines are in use${refusing}`;
  }

  #usable(): RayNode[] {
    return this.known().filter(
      ({ node_id, resources_total: total }) => (total?.CPU ?? 0) >= 1 && !this.#refusing.has(node_id),
    );
  }
}
