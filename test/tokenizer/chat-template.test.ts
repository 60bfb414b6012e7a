import { describe, expect, it } from 'vitest';
import {
  BITNET_CHAT_TEMPLATE,
  renderChatTemplate,
  type ChatMessage,
} from '../../lib/tokenizer/chat-template.js';
import golden from '../golden/tiny/ref/tokenizer_cases.json' with { type: 'json' };
import config from '../golden/tiny/packed/tokenizer_config.json' with { type: 'json' };

const open = { addGenerationPrompt: true };
const closed = { addGenerationPrompt: false };

describe('BITNET_CHAT_TEMPLATE', () => {
  it('renders what the reference renders', () => {
    for (const { messages, add_generation_prompt: addGenerationPrompt, text } of golden.chat) {
      expect(renderChatTemplate(BITNET_CHAT_TEMPLATE, messages, { addGenerationPrompt })).toBe(text);
      expect(renderChatTemplate(config.chat_template, messages, { addGenerationPrompt })).toBe(text);
    }
  });

  it('writes roles as Python’s capitalize does, and takes content as it is but for its ends', () => {
    const messages = [
      { role: 'SYSTEM', content: '\n Be {{ brief }}.\t' },
      { role: 'user', content: '{% raw %}' },
      { role: 'assistant', content: '' },
    ];
    expect(renderChatTemplate(BITNET_CHAT_TEMPLATE, messages, closed)).toBe(
      'System: Be {{ brief }}.<|eot_id|>User: {% raw %}<|eot_id|>Assistant: <|eot_id|>',
    );
  });
});

describe('renderChatTemplate', () => {
  const hi: ChatMessage[] = [{ role: 'user', content: 'hi' }];

  it('gives the template the tokens of the tokenizer', () => {
    const template =
      '{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}';
    expect(renderChatTemplate(template, hi, { ...open, bosToken: '<s>', eosToken: '</s>' })).toBe(
      '<s>user: hi</s>',
    );
    expect(renderChatTemplate(template, hi, open)).toBe('user: hi');
  });

  it('counts as Python does', () => {
    const counted = (call: string): string =>
      renderChatTemplate(`{% for i in ${call} %}{{ i }} {% endfor %}`, hi, open);
    expect(['range(3)', 'range(2, 5)', 'range(5, 0, -2)', 'range(4, 4)'].map(counted)).toEqual([
      '0 1 2 ',
      '2 3 4 ',
      '5 3 1 ',
      '',
    ]);
  });

  it('tells what a template complains about', () => {
    const template = "{{ raise_exception('roles must alternate') }}";
    expect(() => renderChatTemplate(template, hi, open)).toThrow(
      /the template of this tokenizer fails: roles must alternate\. Check the roles/,
    );
  });

  it.each(['{% for m in messages %}', '{{ nothing.here() }}', '{{ 1 +'])(
    'refuses the template %s',
    (template) => {
      expect(() => renderChatTemplate(template, hi, open)).toThrow(/the template of this tokenizer fails: /);
    },
  );

  it.each([
    [
      'loops for ever',
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
      /takes more than 2000 ms/,
    ],
    [
      'makes a list without end',
      '{% for i in range(1000000000000) %}{% endfor %}',
      /range must have at most 1048576 numbers and a step that is not 0, got 1000000000000 numbers/,
    ],
    ['makes a list without a step', '{% for i in range(1, 5, 0) %}{% endfor %}', /a step that is not 0/],
    [
      'doubles its text 27 times',
      "{% set n = namespace(x='a') %}{% for i in range(27) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
      /a text of 134217728 characters/,
    ],
  ])('stops a template that %s', (_what, template, message) => {
    expect(() => renderChatTemplate(template, hi, open)).toThrow(message);
  });

  it.each<[unknown, RegExp]>([
    [[], /at least one \{ role, content \}, got an empty list/],
    ['hi', /got string/],
    [undefined, /got undefined/],
    [[null], /role of message 0 must be a text, got undefined/],
    [[{ role: 'user' }], /content of message 0 must be a text, got undefined/],
    [[...hi, { role: '', content: 'x' }], /role of message 1 must be a text, got ""/],
    [[{ role: 'user', content: ['x'] }], /content of message 0 must be a text, got \["x"\]/],
  ])('refuses %j as a conversation', (messages, message) => {
    expect(() => renderChatTemplate(BITNET_CHAT_TEMPLATE, messages as ChatMessage[], open)).toThrow(message);
  });
});
