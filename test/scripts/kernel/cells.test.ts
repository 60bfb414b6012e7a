/** Cells as a reader writes them, on a kernel as Jupyter starts it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KernelClient, type Answer, type Message } from './kernel-client.js';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
}, 120_000);
afterAll(() => kernel?.end());

const status = ({ content }: Message): string => content.execution_state;

/** Runs cells one after the other and returns what the last printed. */
async function printed(...cells: string[]): Promise<string> {
  let answer: Answer | undefined;
  for (const code of cells) {
    answer = await kernel.run(code);
    expect(answer.reply).toMatchObject({ status: 'ok' });
  }
  return answer!.text;
}

/** Runs a cell that fails and returns what it shows. */
async function failure(code: string): Promise<string> {
  const { reply, published } = await kernel.run(code);
  expect(reply.status).toBe('error');
  const errors = published.filter(({ type }) => type === 'error');
  expect(errors).toHaveLength(1);
  expect(errors[0].content.traceback).toEqual(reply.traceback);
  return reply.traceback.join('\n');
}

/**
 * Runs a cell that prints `begun`, stops it then, and returns its answer. It prints that after an `await` or inside a
 * loop: Node.js loses an interrupt in the moment in which a cell's part before its first `await` ends.
 */
async function stopped(code: string, ...behind: string[]): Promise<Answer[]> {
  const requests: string[] = [];
  for (const cell of [code, ...behind]) requests.push(await kernel.send('execute_request', { code: cell }));
  await kernel.until(
    ({ parent, content }) => parent === requests[0] && content.text?.includes('begun') === true,
  );
  kernel.interrupt();
  return Promise.all(requests.map((id) => kernel.answered(id)));
}

describe('names of earlier cells', { timeout: 60_000 }, () => {
  test('stand in object shorthand, in closures and in patterns too', async () => {
    await printed('const points = [1, 2, 3]; let rate = 1; const last = { rate: 2 };');
    expect(await printed('console.log(JSON.stringify({ points, rate }));')).toBe(
      '{"points":[1,2,3],"rate":1}\n',
    );
    expect(await printed('const draw = () => ({ points });', 'draw().points.length')).toBe('3\n');
    expect(await printed('({ rate } = last); rate')).toBe('2\n');
    expect(await printed('({ rate = 5 } = {} as { rate?: number }); rate')).toBe('5\n');
    expect(await printed('const nested = [{ a: [{ rate }] }]; JSON.stringify(nested)')).toBe(
      '[{"a":[{"rate":5}]}]\n',
    );
  });

  test('may have properties that are taken apart under another name', async () => {
    await printed(
      'const run = { loss: 2, deep: { rate: 3 } }; const double = (n: number) => 2 * n; let a = 0;',
    );
    expect(await printed('const { loss: first, deep: { rate: second } } = run; double(first) + second')).toBe(
      '7\n',
    );
    expect(await printed('[run].map(({ loss: n }) => double(n)).join()')).toBe('4\n');
    expect(await printed('({ loss: a } = run); double(a)')).toBe('4\n');
  });

  test('are the variables that the functions of their cell see', async () => {
    await printed(
      'let steps = 1; let [first, second] = [1, 2]; const seen = () => [steps, first, second].join();',
    );
    expect(await printed('steps = 10; second = 20;', 'seen()')).toBe('10,1,20\n');
    expect(await printed('const set = () => { steps = 30; };', 'set();', 'seen()')).toBe('30,1,20\n');
  });

  test('can be declared again, with another kind and type', async () => {
    await printed('let again = 1; const old = () => again;', "const again = 'text';");
    expect(await printed('`${again} ${old()}`')).toBe('text 1\n');
    await printed("import { join as again } from 'node:path';", "import { join as again } from 'node:path';");
    expect(await printed("again('a', 'b')")).toBe('a/b\n');
    expect(await printed('function again() { return 4; }', 'again()')).toBe('4\n');
  });

  test('with letters of the papers', async () => {
    expect(await printed('let γ = 0.5; const α̂ = 1;', 'γ = 2; JSON.stringify({ γ })')).toBe('{"γ":2}\n');
  });
});

describe('language', { timeout: 60_000 }, () => {
  test('for await stands at the top of a cell', async () => {
    await printed('async function* count() { yield 1; yield 2; }');
    expect(await printed('for await (const n of count()) console.log(n);')).toBe('1\n2\n');
    expect(await printed('{ for await (const n of count()) { console.log(n); } }')).toBe('1\n2\n');
  });

  test('knows what JavaScript has learned since ES2022', async () => {
    expect(await printed('[3, 1, 2].toSorted((a, b) => a - b).join()')).toBe('1,2,3\n');
    expect(await printed('new Float32Array([3, 1]).toSorted().with(0, 7).join()')).toBe('7,3\n');
    expect(await printed('[1, 2, 3].findLast((n) => n < 3)')).toBe('2\n');
    const odd = "Object.groupBy([1, 2, 3], (n) => (n % 2 === 1 ? 'odd' : 'even')).odd!.join()";
    expect(await printed(odd)).toBe('1,3\n');
    expect(await printed('Map.groupBy([1, 2, 3], (n) => n > 1).get(true)!.join()')).toBe('2,3\n');
  });
});

describe('output', { timeout: 60_000 }, () => {
  test('of thousands of lines arrives whole, in few messages, and the cell ends', async () => {
    const { text, published } = await kernel.run('for (let i = 0; i < 5000; i++) console.log(i);');
    expect(text).toBe(Array.from({ length: 5000 }, (_, i) => `${i}\n`).join(''));
    expect(published.length).toBeLessThan(100);
  });

  test('keeps its order among prints and displays', async () => {
    const { published } = await kernel.run(
      "import { display } from 'tslab'; console.log('a'); display.html('b'); console.error('c'); console.log('d');",
    );
    const shown = published.filter(({ type }) => type !== 'status');
    expect(shown.map(({ content }) => content.text ?? content.data['text/html'])).toEqual([
      'a\n',
      'b',
      'c\n',
      'd\n',
    ]);
  });

  test('of a last line that is a promise is what it comes to', async () => {
    await printed('const later = async (value: unknown) => { await 0; return value; };');
    expect(await printed("later('told')")).toBe('told\n');
    expect(await printed('later(undefined)')).toBe('');
    expect(await printed("later('told');\nconst no = 1;")).toBe('');
    expect(await failure("Promise.reject(new Error('late'))")).toMatch(/^Error: late/);
  });

  test('without end is cut, and says so', async () => {
    const { text } = await kernel.run(
      "const line = 'x'.repeat(99_999); for (let i = 0; i < 300; i++) console.log(line);",
    );
    expect(text.length).toBeLessThan(10_200_000);
    expect(text).toContain('[a cell prints at most 10 million characters; the rest is left out]');
    expect(await printed("console.log('next')")).toBe('next\n');
  });
});

describe('errors', { timeout: 60_000 }, () => {
  test("show the reader's own lines, without compiled code and tslab's frames", async () => {
    const { reply } = await kernel.run(
      'type Run = { losses: number[] };\n\nfunction mean(run: Run): number {\n  const { losses } = run;\n  return losses.length;\n}',
    );
    const shown = await failure(
      'interface Unused { a: 1 }\n\nconst broken = {} as Run;\nfor (const _ of [1]) {\n  mean(broken);\n}',
    );
    expect(shown.split('\n')).toEqual([
      "TypeError: Cannot read properties of undefined (reading 'length')",
      `    cell ${reply.execution_count}, line 5 in mean: return losses.length;`,
      '    line 5: mean(broken);',
    ]);
  });

  test('after an await show it too, and the cause', async () => {
    const cell = "await 0;\nthrow new Error('all is lost', {\n  cause: new RangeError('one is lost'),\n});";
    expect(await failure(cell)).toBe(
      "Error: all is lost\n    line 2: throw new Error('all is lost', {\nCaused by RangeError: one is lost",
    );
  });

  test('stacks that the reader prints name cells', async () => {
    const { text, reply } = await kernel.run("const made = new Error('mine');\nconsole.log(made.stack);");
    expect(text).toBe(`Error: mine\n    at cell ${reply.execution_count}, line 1\n`);
  });

  test('of types are told by line and column', async () => {
    expect(await failure("const count: number = 1;\nconst wrong: number = 'a';")).toBe(
      "2:7 - Type 'string' is not assignable to type 'number'.",
    );
  });

  test.each([
    ['throw 5', 'Thrown: 5'],
    ['throw undefined', 'Thrown: undefined'],
  ])('%s', async (code, shown) => {
    expect(await failure(code)).toBe(shown);
  });

  test('of the kernel itself end the cell, which would be busy for ever', async () => {
    await printed(`const whole = setImmediate;
      Object.defineProperty(globalThis, 'setImmediate', {
        configurable: true,
        get() {
          Object.defineProperty(globalThis, 'setImmediate', { configurable: true, writable: true, value: whole });
          throw new Error('out of order');
        },
      });`);
    expect(await failure('1')).toMatch(/^Error: out of order[\s\S]*\nThe kernel could not run this cell\./);
    expect(await printed("'alive'")).toBe('alive\n');
  });

  test('that nobody awaits are printed, and the kernel lives', async () => {
    const lost =
      "setTimeout(() => { throw new Error('timer'); }, 1); void Promise.reject(new Error('promise'));";
    const text = await printed(`${lost}\nawait new Promise((resolve) => setTimeout(resolve, 100));`);
    expect(text).toContain('An error that nothing caught: Error: timer\n    line 1:');
    expect(text).toContain('A promise that nothing awaited failed: Error: promise\n');
  });

  test('take the cells with them that wait, unless they are expected', async () => {
    const send = (code: string, expected = false) =>
      kernel.send('execute_request', { code, ...(expected && { stop_on_error: false }) });
    const [failing, dropped] = [await send("throw new Error('first')"), await send('1')];
    expect((await kernel.answered(failing)).reply.status).toBe('error');
    expect((await kernel.answered(dropped)).reply.status).toBe('aborted');
    const [expected, next] = [await send("throw new Error('expected')", true), await send('2')];
    expect((await kernel.answered(expected)).reply.status).toBe('error');
    expect((await kernel.answered(next)).text).toBe('2\n');
  });
});

describe.skipIf(process.platform === 'win32')('the stop button', { timeout: 60_000 }, () => {
  test.each([
    ['a cell that waits', "await 0; console.log('begun'); await new Promise(() => {});"],
    ['a loop without await', "console.log('begun'); for (;;);"],
    ['a last line that is waited for', "new Promise(() => setTimeout(() => console.log('begun'), 10))"],
  ])('ends %s with one calm line, and drops the cells behind it', async (_, code) => {
    const [cell, ...dropped] = await stopped(code, '1', '2');
    expect(cell.text).toBe('begun\nStopped.\n2 cells below were not run.\n');
    expect(cell.published.map(({ type }) => type)).not.toContain('error');
    expect([cell, ...dropped].map((answer) => answer.reply.status)).toEqual(Array(3).fill('aborted'));
    expect(await printed("'alive'")).toBe('alive\n');
  });

  /** A cell that listens to the interrupt, as a training does. */
  const training = `let going = true;
    process.once('SIGINT', () => (going = false));
    let done = 0;
    while (going) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (++done === 2) console.log('begun');
    }`;

  test('lets a training end its step, say what it has to say, and keep its variables', async () => {
    const [cell] = await stopped(`${training}\nconsole.log('stopped at', done > 0);`);
    expect(cell.text).toBe('begun\nstopped at true\n');
    expect(await printed('done > 0')).toBe('true\n');
  });

  test('leaves at the second press a training that does not end', async () => {
    const id = await kernel.send('execute_request', { code: `${training}\nawait new Promise(() => {});` });
    await kernel.until(({ parent, content }) => parent === id && content.text?.includes('begun') === true);
    kernel.interrupt();
    await kernel.until(
      ({ parent, content }) => parent === id && content.text?.includes('■ once more') === true,
    );
    kernel.interrupt();
    const { text, reply } = await kernel.answered(id);
    expect(text).toMatch(/^begun\nStopping when .*\nStopped\.\n$/);
    expect(reply.status).toBe('aborted');
  });

  test("is heard by each cell that asks for lib's signal, and by no later one", async () => {
    const cell = (ends: string): string =>
      `const signal = abortOnInterrupt(); let rounds = 0;
       while (${ends}) {
         await new Promise((resolve) => setTimeout(resolve, 20));
         if (++rounds === 2) console.log('begun');
       }
       console.log('over');`;
    await printed("import { abortOnInterrupt } from '../lib';", cell('rounds < 3'));
    const [again] = await stopped(cell('!signal.aborted'));
    expect(again.text).toBe('begun\nover\n');
    await printed(cell('rounds < 3'));
    const [waiting] = await stopped("await 0; console.log('begun'); await new Promise(() => {});");
    expect(waiting.text).toBe('begun\nStopped.\n');
  });

  test('does nothing where no cell runs', async () => {
    kernel.interrupt();
    expect(await printed('1')).toBe('1\n');
  });
});

describe('what Jupyter asks', { timeout: 60_000 }, () => {
  test('is answered while a cell runs, and the kernel stays busy', async () => {
    const code = "console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 1500));";
    const [first, second] = [
      await kernel.send('execute_request', { code }),
      await kernel.send('execute_request', { code }),
    ];
    await kernel.until(({ parent, content }) => parent === first && content.text === 'begun\n');
    const { reply } = await kernel.request('complete_request', { code: 'Math.ma', cursor_pos: 7 });
    expect(reply.matches).toContain('max');
    expect(status(kernel.published.filter(({ type }) => type === 'status').at(-1)!)).toBe('busy');
    await kernel.answered(second);
    // Idle is said once, when both are done: in between the second begins.
    const states = kernel.published.filter(
      ({ type, parent }) => type === 'status' && [first, second].includes(parent),
    );
    expect(states.filter(({ parent }) => parent === second).map(status)).toEqual(['busy', 'idle']);
    expect(states.findIndex(({ parent }) => parent === second)).toBeGreaterThan(
      states.findLastIndex(({ parent }) => parent === first) - 1,
    );
  });

  test.each([
    ['on a name', 'Math.max(1, 2)', 6],
    ['inside brackets', 'Math.max(1, )', 12],
    ['inside nested brackets', 'console.log(Math.max(1, ), 2)', 24],
    ['inside brackets that are not closed yet', 'Math.max(', 9],
  ])('help %s is that of the function', async (_, code, position) => {
    const { reply } = await kernel.request('inspect_request', {
      code,
      cursor_pos: position,
      detail_level: 0,
    });
    expect(reply.data['text/plain']).toMatch(/^\(method\) Math\.max\(\.\.\.values: number\[\]\): number/);
  });

  test('of history and widgets has an answer, and the terminal stays silent', async () => {
    expect(
      (await kernel.request('history_request', { hist_access_type: 'tail', n: 10 })).reply.history,
    ).toEqual([]);
    expect((await kernel.request('comm_info_request', {})).reply.comms).toEqual({});
    await kernel.send('comm_open', { comm_id: '1', target_name: 'x', data: {} });
    expect(await printed('1')).toBe('1\n');
    expect(kernel.terminal).toBe('');
  });

  test('of its language is what notebooks keep', async () => {
    const { reply } = await kernel.request('kernel_info_request', {});
    expect(reply.language_info).toMatchObject({
      name: 'typescript',
      version: '5.0.4',
      file_extension: '.ts',
    });
    expect(await printed("import { versions } from 'tslab'; versions.typescript")).toBe('5.0.4\n');
  });
});
