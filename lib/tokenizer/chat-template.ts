/** From a conversation to the one text that the model goes on with. */
import { Template } from '@huggingface/jinja';
import { withinTime } from '../io/within-time.js';

/** One turn of a conversation. */
export interface ChatMessage {
  /** `system`, `user` or `assistant`. */
  role: string;
  content: string;
}

/**
 * The template of BitNet b1.58 2B4T (tokenizer_config.json of the published checkpoint): the role with a capital
 * letter, a colon, the trimmed content, `<|eot_id|>`, and no line break between turns. The conversion to GGUF carries
 * another one, which the model was not trained on. (`lower`, since Python's `capitalize` does that and the library's does
 * not.)
 */
export const BITNET_CHAT_TEMPLATE: string =
  "{% for message in messages %}{{ message['role'] | lower | capitalize + ': ' + message['content'] | trim + '<|eot_id|>' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}";

/** Thrown for a conversation that cannot be rendered, or a template that fails. */
export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';
}

/** Most time that a template gets: real ones take milliseconds, and a hostile one can loop for ever. */
const MAX_RENDER_MS = 2000;
/** Longest text of a template: loops can double theirs in each round. */
const MAX_RENDERED_LENGTH = 2 ** 24;

/**
 * Most numbers of one `range`: the library makes a list of them all, and a list that grows beyond some hundred million ends
 * the process, on a quick machine before the time is over.
 */
const MAX_RANGE = 2 ** 20;
/** Puts this project's `range` in the place of the library's, which cannot be given from outside. */
const OWN_RANGE = '{% set range = bounded_range %}';

/** What templates may use besides the messages. */
export interface ChatTemplateOptions {
  /** Whether the text ends with the opening of the assistant's turn. */
  addGenerationPrompt: boolean;
  bosToken?: string;
  eosToken?: string;
}

/**
 * Renders a conversation with a Jinja template, as transformers' `apply_chat_template` does.
 * @throws ChatTemplateError if the messages are not turns with a role and a content, or the template fails
 */
export function renderChatTemplate(
  template: string,
  messages: readonly ChatMessage[],
  { addGenerationPrompt, bosToken, eosToken }: ChatTemplateOptions,
): string {
  checkMessages(messages);
  try {
    const text = withinTime(MAX_RENDER_MS, () =>
      new Template(OWN_RANGE + template).render({
        messages,
        add_generation_prompt: addGenerationPrompt,
        bos_token: bosToken ?? '',
        eos_token: eosToken ?? '',
        bounded_range: boundedRange,
      }),
    );
    if (text.length <= MAX_RENDERED_LENGTH) return text;
    throw new Error(`it gives a text of ${text.length} characters, and ${MAX_RENDERED_LENGTH} are allowed`);
  } catch (error) {
    throw new ChatTemplateError(
      `apply chat template: the template of this tokenizer fails: ${(error as Error).message}. ` +
        'Check the roles and their order, or pass the prompt as text.',
      { cause: error },
    );
  }
}

/** Jinja's `range(stop)` and `range(start, stop, step)`; the library hands on what it adds to the arguments as objects. */
function boundedRange(...given: unknown[]): number[] {
  const numbers = given.filter((one): one is number => typeof one === 'number');
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (step !== 0 && length <= MAX_RANGE) return Array.from({ length }, (_, i) => start + i * step);
  throw new Error(
    `range must have at most ${MAX_RANGE} numbers and a step that is not 0, got ${length} numbers`,
  );
}

function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new ChatTemplateError(
      'apply chat template: messages must be a list of at least one { role, content }, got ' +
        `${Array.isArray(messages) ? 'an empty list' : typeof messages}.`,
    );
  }
  for (const [index, message] of messages.entries()) {
    for (const key of ['role', 'content'] as const) {
      const value: unknown = (message as Partial<ChatMessage> | null)?.[key];
      if (typeof value === 'string' && (key === 'content' || value !== '')) continue;
      throw new ChatTemplateError(
        `apply chat template: ${key} of message ${index} must be a text, got ${JSON.stringify(value)}.`,
      );
    }
  }
}
