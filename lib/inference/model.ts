/** A loaded model, as notebooks use it. */
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { GenerationConfig } from '../checkpoint/generation-config.js';
import type { ModelConfig } from '../config.js';
import type { KernelName } from '../kernel/kernel.js';
import { quote } from '../io/quote.js';
import type { ChatMessage } from '../tokenizer/chat-template.js';
import type { Engine } from './engine.js';
import { computeLogits, sumLogProbabilities } from './evaluate.js';
import { startGeneration, type GenerateOptions, type Generation, type Prompt } from './generation.js';
import type { ModelBytes } from './model-memory.js';
import { measureSpeed, type Speed, type SpeedOptions } from './speed.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import {
  ternaryShares,
  ternaryWeights,
  type TernaryShares,
  type TernaryWeights,
} from './look/ternary-weights.js';
import { trace, type ModelTrace } from './look/trace.js';
import { logAsTable } from '../plots/model-table.js';

/** A BitNet model in memory. Get one from `loadModel`. */
export class Model {
  /** The folder or file that it was loaded from; for a Hub id, where the download lies. */
  readonly source: string;
  readonly config: ModelConfig;
  readonly generationConfig: GenerationConfig;
  /** The kernel that runs: what `auto` became. */
  readonly kernel: KernelName;
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** Most tokens of prompt and answer together. */
  readonly contextLength: number;
  readonly #engine: Engine;
  readonly #checkpoint: Checkpoint;
  #tokenizer: Tokenizer | undefined;
  #closing: Promise<void> | undefined;

  /** @param checkpoint where the weights came from; closed already, its tokenizer is read when it is asked for */
  constructor(engine: Engine, checkpoint: Checkpoint) {
    this.config = checkpoint.config;
    this.generationConfig = checkpoint.generationConfig;
    this.kernel = engine.team.kernel.name;
    this.threads = engine.team.threads;
    this.contextLength = engine.memory.contextLength;
    this.#engine = engine;
    this.#checkpoint = checkpoint;
    this.source = checkpoint.source;
  }

  /**
   * The model's tokenizer.
   * @throws TokenizerError if the checkpoint has none; such a model works on ids
   */
  get tokenizer(): Tokenizer {
    this.#tokenizer ??= new Tokenizer(this.#checkpoint.tokenizerSource, {
      vocabSize: this.config.vocab_size,
    });
    return this.#tokenizer;
  }

  /**
   * Logits of every position of a text.
   * @param ids token ids, at least one, at most `contextLength`
   * @returns `[ids.length × vocabSize]`, row-major; natural units, no softmax
   * @throws RangeError for an id out of range, or too many or no ids
   */
  async logits(ids: ArrayLike<number>, { signal }: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const checked = this.#checkIds('logits', ids);
    return this.#exclusively(signal, () => computeLogits(this.#engine, checked, signal));
  }

  /**
   * Writes on, token by token. Tokens of the prompt that are in the cache already, such as the earlier turns of a chat,
   * are not computed again.
   * @param prompt text, ids, or the messages of a conversation
   * @throws RangeError for options or ids out of range, an empty prompt, or one that fills the context
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    const promptIds = this.#checkIds('generate', this.#idsOf(prompt), this.contextLength - 1);
    const { stop = this.generationConfig.eosTokenIds } = options;
    if (!Array.isArray(stop)) {
      throw new RangeError(`generate: stop must be a list of token ids, got ${quote(stop)}.`);
    }
    for (const id of stop as readonly number[]) this.#checkId('generate', id, 'a stop token');
    return startGeneration({
      engine: this.#engine,
      promptIds,
      stop,
      options,
      text: this.#hasTokenizer ? this.tokenizer.stream() : undefined,
      checkOpen: () => this.#checkOpen(),
    });
  }

  /**
   * e to the mean negative log-probability of every token after the first. A text longer than the context is cut into
   * pieces of `contextLength` tokens, each read from a fresh start.
   * @param text text (with the tokenizer's special tokens) or ids; at least two tokens
   */
  async perplexity(
    text: string | ArrayLike<number>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<number> {
    const given = typeof text === 'string' ? this.tokenizer.encode(text) : text;
    const ids = this.#checkIds('perplexity', given, Infinity);
    if (ids.length < 2) {
      throw new RangeError(
        'perplexity: the text must have at least 2 tokens, since the first is not predicted, got 1.',
      );
    }
    if (this.contextLength < 2) {
      throw new RangeError(
        'perplexity: contextLength must be at least 2, a token and the one it predicts, got 1. Load the model with a longer contextLength.',
      );
    }
    return this.#exclusively(signal, async () => {
      let sum = 0;
      let count = 0;
      for (let start = 0; start < ids.length - 1; start += this.contextLength) {
        const piece = ids.slice(start, start + this.contextLength);
        if (piece.length < 2) break;
        sum += await sumLogProbabilities(this.#engine, piece, signal);
        count += piece.length - 1;
      }
      return Math.exp(-sum / count);
    });
  }

  /** Bytes in memory, by kind. */
  memory(): ModelBytes {
    return { ...this.#engine.memory.bytes };
  }

  /**
   * What a text becomes inside the network: the outputs of every module, and the integers of every BitLinear.
   * @param text text or ids
   * @param options.layers numbers of the layers that are kept. Default: all
   */
  async trace(
    text: string | ArrayLike<number>,
    { layers, signal }: { layers?: readonly number[]; signal?: AbortSignal } = {},
  ): Promise<ModelTrace> {
    const ids = this.#checkIds('trace', typeof text === 'string' ? this.tokenizer.encode(text) : text);
    const count = this.config.num_hidden_layers;
    const kept = layers ?? Array.from({ length: count }, (_, layer) => layer);
    for (const layer of kept) {
      if (Number.isInteger(layer) && layer >= 0 && layer < count) continue;
      throw new RangeError(`trace: layers must be whole numbers from 0 to ${count - 1}, got ${layer}.`);
    }
    return this.#exclusively(signal, () => trace(this.#engine, ids, new Set(kept), signal));
  }

  /**
   * Measures how fast this model runs here, and how fast its memory would let it. Takes some seconds for 2B4T. A prompt
   * that comes after it is computed from its first token.
   */
  async measureSpeed(options: SpeedOptions = {}): Promise<Speed> {
    return this.#exclusively(options.signal, () => measureSpeed(this.#engine, options));
  }

  /** Shares of -1, 0 and +1 in every ternary matrix, counted in memory. Empty for a model without quantization. */
  ternaryShares(): TernaryShares[] {
    this.#checkOpen();
    return ternaryShares(this.#engine);
  }

  /**
   * One ternary matrix.
   * @param name transformers' name, such as `model.layers.0.self_attn.q_proj.weight`
   * @throws RangeError if there is no such ternary matrix
   */
  ternaryWeights(name: string): TernaryWeights {
    this.#checkOpen();
    return ternaryWeights(this.#engine, name);
  }

  /** Ends all threads and gives the memory back to the system. What is running ends with an error. */
  async close(): Promise<void> {
    this.#closing ??= this.#engine.close();
    await this.#closing;
  }

  get #hasTokenizer(): boolean {
    return this.#checkpoint.tokenizerSource.kind !== 'none';
  }

  async #exclusively<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    return this.#engine.exclusively(async () => {
      this.#checkOpen();
      signal?.throwIfAborted();
      return call();
    });
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new Error('model: it has been closed. Load it again with loadModel.');
  }

  #idsOf(prompt: Prompt): ArrayLike<number> {
    if (typeof prompt === 'string') return this.tokenizer.encode(prompt);
    const isConversation = Array.isArray(prompt) && typeof prompt[0] === 'object';
    return isConversation
      ? this.tokenizer.encodeChat(prompt as readonly ChatMessage[])
      : (prompt as ArrayLike<number>);
  }

  #checkIds(operation: string, ids: ArrayLike<number>, most: number = this.contextLength): number[] {
    this.#checkOpen();
    const count: unknown = (ids as ArrayLike<number> | null | undefined)?.length;
    if (typeof count !== 'number') {
      throw new RangeError(`${operation}: ids must be a list of token ids, got ${typeof ids}.`);
    }
    if (count === 0) {
      throw new RangeError(
        `${operation}: there must be at least one token, got none. Begin with the beginning-of-text token, as the tokenizer does.`,
      );
    }
    if (count > most) {
      throw new RangeError(
        `${operation}: there must be at most ${most} tokens, as contextLength ${this.contextLength} allows, got ${count}. ` +
          'Shorten the text, or load the model with a longer contextLength.',
      );
    }
    return Array.from(ids, (id, position) => this.#checkId(operation, id, `position ${position}`));
  }

  #checkId(operation: string, id: number, where: string): number {
    if (Number.isInteger(id) && id >= 0 && id < this.config.vocab_size) return id;
    throw new RangeError(
      `${operation}: ids must be whole numbers from 0 to ${this.config.vocab_size - 1}, got ${String(id)} at ${where}.`,
    );
  }
}

logAsTable(Model);
