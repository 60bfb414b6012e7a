import type { RayNode } from './jobs-client.js';

/** How long a machine that refused is left alone. Somebody may have set it right by then. */
const REFUSAL_MILLISECONDS = 600_000;

/** Which of the cluster's machines a run may go to. */
export class Machines {
  /** Why machines refuse all runs, and until when that is believed, by node id. */
  readonly #refusals = new Map<string, { why: string; until: number }>();
  /** Machines that a run has crashed on, or was lost with. */
  readonly #avoided = new Map<string, Set<string>>();

  constructor(
    readonly known: () => readonly RayNode[],
    readonly refusalMilliseconds: number = REFUSAL_MILLISECONDS,
  ) {}

  /** CPUs of the machines that refuse nothing. */
  get cpus(): number {
    return this.#usable().reduce((sum, { resources_total: total }) => sum + Math.floor(total?.CPU ?? 0), 0);
  }

  /** @returns false where that was known */
  refuse(nodeId: string | undefined, why: string): boolean {
    if (nodeId === undefined) return true;
    const isNew = !this.#refusing().has(nodeId);
    this.#refusals.set(nodeId, { why, until: performance.now() + this.refusalMilliseconds });
    return isNew;
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
    const refusing = this.#refusing();
    if (usable.length === 0 && refusing.size > 0) {
      const reasons = [...new Set(refusing.values())].map((why) => `\n  ${why}`);
      throw new Error(
        `ray engine: a machine of the cluster must take runs, got refusals from all:${reasons.join('')}`,
      );
    }
    const avoided = this.#avoided.get(runId) ?? new Set();
    const others = usable.some(({ node_id }) => !avoided.has(node_id));
    const not = [...refusing.keys(), ...(others ? avoided : [])];
    return not.length > 0 ? { 'ray.io/node-id': `!in(${not.join(',')})` } : undefined;
  }

  /** For people. */
  describe(): string {
    const usable = this.#usable();
    const { size } = this.#refusing();
    if (usable.length === 0)
      return 'the cluster has no machine with CPUs; start one with `ray start --address`';
    const refusing = size > 0 ? `, ${size} more refuse` : '';
    return `the cluster's ${this.cpus} CPUs on ${usable.length} machines are in use${refusing}`;
  }

  #usable(): RayNode[] {
    const refusing = this.#refusing();
    return this.known().filter(
      ({ node_id, resources_total: total }) => (total?.CPU ?? 0) >= 1 && !refusing.has(node_id),
    );
  }

  /** Why machines refuse now, by node id. */
  #refusing(): Map<string, string> {
    const now = performance.now();
    for (const [nodeId, { until }] of this.#refusals) if (now >= until) this.#refusals.delete(nodeId);
    return new Map([...this.#refusals].map(([nodeId, { why }]) => [nodeId, why]));
  }
}
