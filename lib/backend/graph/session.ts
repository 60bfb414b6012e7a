/** A graph that TensorFlow has loaded: runs of it, each one call. Its variables live as long as it does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutNativeLog } from '../native-log.js';
import { native, type NativeTensor, type NativeValues } from '../binding.js';
import { NoGraphError, typedValues, type Graph } from './graph.js';
import { savedModelBytes, TAG } from './saved-model.js';

/** An input of a run: values, or the number of a tensor that TensorFlow has already. */
export type Feed = { shape: readonly number[]; type: number; values: NativeValues } | number;

/** A loaded graph with its variables; `close` gives their memory back. */
export class GraphSession {
  private readonly heldNames: string[] = [];
  private readonly held: number[] = [];
  private closed = false;

  private constructor(
    private readonly session: number,
    graph: Graph,
  ) {
    const { binding } = native();
    for (const tensor of graph.held) {
      this.heldNames.push(`${tensor.name}:0`);
      this.held.push(binding.createTensor(tensor.shape, tensor.type, typedValues(tensor)));
    }
  }

  /** @throws NoGraphError where the graph cannot be written or TensorFlow refuses it */
  static open(graph: Graph): GraphSession {
    const { binding } = native();
    if (!binding.loadSavedModel) throw new NoGraphError('this TensorFlow cannot load graphs');
    let folder: string | undefined;
    try {
      // A name that nobody has: what a killed process left is not in the way.
      folder = mkdtempSync(join(tmpdir(), 'bitnet-graph-'));
      writeFileSync(join(folder, 'saved_model.pb'), savedModelBytes(graph.nodes));
      const session = withoutNativeLog(() => binding.loadSavedModel!(folder!, TAG));
      return new GraphSession(session, graph);
    } catch (error) {
      throw new NoGraphError(`it could not be loaded: ${firstLines(error)}`, { cause: error });
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * One run.
   * @param feeds by the name of the placeholder
   * @param fetches endpoints `node` or `node:output`
   * @returns a tensor for each; the caller frees them
   * @throws Error where an operation of the graph fails; variables may then be changed or not
   */
  run(feeds: ReadonlyMap<string, Feed>, fetches: readonly string[]): NativeTensor[] {
    const { binding } = native();
    const made: number[] = [];
    const inputs = Array.from(feeds.values(), (feed) => {
      if (typeof feed === 'number') return feed;
      const id = binding.createTensor(feed.shape, feed.type, feed.values);
      made.push(id);
      return id;
    });
    const names = [...Array.from(feeds.keys(), (name) => `${name}:0`), ...this.heldNames];
    const outputs = fetches.map((name) => (name.includes(':') ? name : `${name}:0`));
    try {
      return binding.runSavedModel(this.session, [...inputs, ...this.held], names.join(), outputs.join());
    } finally {
      for (const id of made) binding.deleteTensor(id);
    }
  }

  /** One run whose results are read and freed. */
  values(feeds: ReadonlyMap<string, Feed>, fetches: readonly string[]): NativeValues[] {
    const { binding } = native();
    return this.run(feeds, fetches).map(({ id }) => {
      const values = binding.tensorDataSync(id);
      binding.deleteTensor(id);
      return values;
    });
  }

  /** Frees the graph and its variables. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { binding } = native();
    for (const id of this.held) binding.deleteTensor(id);
    binding.deleteSavedModel(this.session);
  }
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0].slice(0, 300);
}
