/** Text that a model writes, token by token. */
import { setImmediate } from 'node:timers/promises';
import type { Engine } from './engine.js';
import { overflow } from './evaluate.js';
import { MAX_SHORTLIST_TOKENS, type Candidates } from './head.js';
import type { ChatMessage } from '../tokenizer/chat-template.js';
import { Sampler, type SamplingOptions } from './sampler.js';
import type { TextStream } from '../tokenizer/text-stream.js';

/** What a generation starts from: text, ids, or the messages of a conversation. */
export type Prompt = string | ArrayLike<number> | readonly ChatMessage[];

/** Options of `generate`. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to write. Default: until a stop token or the end of the context. */
  maxTokens?: number;
  /** Ids that end the text; they are not part of it. Default: those of the checkpoint. `[]` never stops early. */
  stop?: readonly number[];
  /** Ends the generation with the signal's reason. */
  signal?: AbortSignal;
}

/** One token of a generated text. */
export interface GeneratedToken {
  readonly id: number;
  /** The text that became certain with this token; empty in the middle of a character. */
  readonly text: string;
  /**
   * Natural logarithm of the probability that the model gives the token, before temperature, top-k and top-p. With a
   * large vocabulary it is computed when it is read, which takes about as long as a token's head.
   */
  readonly logProbability: number;
}

/** Why a text ended: a stop token, `maxTokens`, or because prompt and text together fill the context. */
export type FinishReason = 'stop' | 'max-tokens' | 'context-full';

/** A text being written. Iterate it with `for await`. */
export interface Generation extends AsyncIterableIterator<GeneratedToken> {
  /** Set when the iteration has ended by itself. */
  readonly finishReason: FinishReason | undefined;
  /** Ids of the prompt, its special tokens included. */
  readonly promptIds: readonly number[];
}

/** What a generation needs from the model. */
export interface GenerationStart {
  engine: Engine;
  promptIds: number[];
  stop: readonly number[];
  options: GenerateOptions;
  /** Undefined for a model without a tokenizer: its tokens have no text. */
  text: TextStream | undefined;
  /** Throws if the model has been closed. */
  checkOpen: () => void;
}

/**
 * Starts a generation; its first token is computed when it is asked for.
 * @throws RangeError for options out of range
 */
export function startGeneration(start: GenerationStart): Generation {
  const { engine, promptIds, options } = start;
  const { vocab_size: vocab } = engine.memory.config;
  const { maxTokens = Infinity } = options;
  if (!(maxTokens >= 0) || (maxTokens !== Infinity && !Number.isInteger(maxTokens))) {
    throw new RangeError(
      `generate: maxTokens must be a whole number of at least 0, got ${String(maxTokens)}.`,
    );
  }
  const sampler = new Sampler(vocab, options);
  let finishReason: FinishReason | undefined;
  const tokens = writeTokens(start, sampler, maxTokens, (reason) => {
    finishReason = reason;
  });
  return {
    get finishReason() {
      return finishReason;
    },
    promptIds,
    next: () => tokens.next(),
    return: () => tokens.return(),
    throw: (error) => tokens.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* writeTokens(
  start: GenerationStart,
  sampler: Sampler,
  maxTokens: number,
  finish: (reason: FinishReason) => void,
): AsyncGenerator<GeneratedToken, void> {
  const { engine, promptIds, stop, options, text, checkOpen } = start;
  const { contextLength } = engine.memory;
  const ids = [...promptIds];
  // Nobody has asked for a probability yet; once one has, all logits are computed at once from then on.
  const wanted = { logProbabilities: false };
  for (let written = 0; ; written++) {
    if (written >= maxTokens) return finish('max-tokens');
    if (ids.length >= contextLength) return finish('context-full');
    const next = await engine.exclusively(async () => {
      // A token blocks the process while it is computed. In between, timers, input and aborts get their turn.
      await setImmediate();
      checkOpen();
      options.signal?.throwIfAborted();
      await bringIntoCache(engine, ids, options.signal);
      return choose(engine, sampler, wanted, checkOpen);
    });
    if (stop.includes(next.id)) return finish('stop');
    ids.push(next.id);
    const isLast = written + 1 >= maxTokens || ids.length >= contextLength;
    const shown = text === undefined ? '' : text.push(next.id) + (isLast ? text.end() : '');
    yield withText(next, shown);
  }
}

/** Ids in the cache, and the vector of the last one at the head's input. */
async function bringIntoCache(engine: Engine, ids: readonly number[], signal?: AbortSignal): Promise<void> {
  const { memory, network } = engine;
  // The last id is computed even if it is in the cache: its residual stream is what the next token follows from.
  const from = Math.min(engine.cachedPrefix(ids), ids.length - 1);
  let last = 0;
  if (from === ids.length - 1) engine.step(ids);
  else {
    const onBatch = (_first: number, tokens: number): void => {
      last = tokens - 1;
    };
    await engine.process(ids, from, { signal, onBatch });
  }
  network.finalNorm(last, 1, memory.headInput);
}

interface Choice {
  id: number;
  /** Known at once, or computed when it is asked for. */
  logProbability: number | (() => number);
}

function choose(
  engine: Engine,
  sampler: Sampler,
  wanted: { logProbabilities: boolean },
  checkOpen: () => void,
): Choice {
  const { head, memory, team } = engine;
  const kept = sampler.isGreedy ? 1 : sampler.topK;
  const shortlisted = head.hasShortlist && kept <= MAX_SHORTLIST_TOKENS && !wanted.logProbabilities;
  const candidates: Candidates = shortlisted ? head.best(kept) : head.all();
  const index = sampler.pick(candidates);
  const logit = candidates.logits[index];
  // Otherwise it would be the same token again and again, without a word.
  if (!Number.isFinite(logit)) throw overflow('generate', logit);
  if (candidates.ids === undefined) {
    return { id: index, logProbability: logit - head.logSumExp(0) };
  }
  const id = candidates.ids[index];
  const vector = (): Float32Array => new Float32Array(team.buffer, memory.headInput, memory.hiddenWidth);
  const copy = vector().slice();
  const logProbability = (): number => {
    checkOpen();
    wanted.logProbabilities = true;
    vector().set(copy);
    head.computeLogits(1);
    return logit - head.logSumExp(0);
  };
  return { id, logProbability };
}

function withText({ id, logProbability }: Choice, text: string): GeneratedToken {
  if (typeof logProbability === 'number') return { id, text, logProbability };
  let value: number | undefined;
  return {
    id,
    text,
    get logProbability() {
      value ??= logProbability();
      return value;
    },
  };
}
