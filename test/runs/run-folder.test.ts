import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../lib/checkpoint/safetensors/safetensors.js';
import { RunFolderError } from '../../lib/io/run-folder-error.js';
import { openRun, readRun } from '../../lib/runs/open-run.js';
import type { RunConfig } from '../../lib/runs/run-config.js';
import type { RunFolder } from '../../lib/runs/run-folder.js';
import { tryLock } from '../../lib/io/lock.js';
import { ended, startSource } from '../source-process.js';
import { checkpointAt, TOY_CONFIG, TOY_STEPS, toyRun, type ToyPoint } from './toy-run.js';

let home: string;
let count = 0;
const opened: RunFolder<ToyPoint>[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterEach(async () => {
  for (const run of opened.splice(0)) await run.close();
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

const newFolder = (): string => join(home, `run-${++count}`);

async function open(folder: string, config: RunConfig = TOY_CONFIG): Promise<RunFolder<ToyPoint>> {
  const run = await openRun<ToyPoint>(folder, config);
  opened.push(run);
  return run;
}

/** A run with points 1 … 5 and a checkpoint at 3, closed as a kill would leave it. */
async function killedRun(): Promise<string> {
  const folder = newFolder();
  const run = await open(folder);
  for (let step = 1; step <= 5; step++) {
    await run.append({ step, loss: 1 / step });
    if (step === 3) await run.saveCheckpoint(checkpointAt(3));
  }
  await run.close();
  return folder;
}

const metrics = (folder: string): Promise<string> => readFile(join(folder, 'metrics.jsonl'), 'utf8');

describe('openRun', () => {
  it('makes a new run with its complete config, and nothing else', async () => {
    const folder = join(newFolder(), 'deep', 'run');
    const run = await open(folder);
    expect(run.checkpointStep).toBeUndefined();
    expect(run.points).toEqual([]);
    expect(await run.loadCheckpoint()).toBeUndefined();
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual({
      format: 'bitnet-notebooks-run',
      formatVersion: 1,
      ...TOY_CONFIG,
    });
    await run.close();
    expect(await readdir(folder)).toEqual(['config.json']);
  });

  it('goes on at the checkpoint: later points are taken off', async () => {
    const folder = await killedRun();
    expect((await readRun(folder)).points.length).toBe(5);
    const run = await open(folder);
    expect(run.checkpointStep).toBe(3);
    expect(run.points.map(({ step }) => step)).toEqual([1, 2, 3]);
    const checkpoint = (await run.loadCheckpoint())!;
    expect(checkpoint.step).toBe(3);
    expect(checkpoint.state).toEqual({ seen: 3 });
    expect(checkpoint.modelTensors.size).toBe(0);
    expect([...checkpoint.tensors.get('w')!.data]).toEqual([3, 3, 3, 3]);
    expect(checkpoint.tensors.get('w')!.shape).toEqual([2, 2]);
    await run.append({ step: 4, loss: 0.25 });
    expect((await metrics(folder)).split('\n').length).toBe(5);
  });

  it('starts over where a run was killed before its first checkpoint', async () => {
    const folder = newFolder();
    const run = await open(folder);
    await run.append({ step: 1, loss: 1 });
    await run.close();
    expect((await open(folder)).points).toEqual([]);
    expect(await metrics(folder)).toBe('');
  });

  it('repairs a last line that was cut anywhere, even inside a character', async () => {
    const folder = await killedRun();
    const whole = await readFile(join(folder, 'metrics.jsonl'));
    const kept = whole.indexOf('"step":4') - '{"loss":0.25,'.length;
    const tail = Buffer.from('{"loss":0.2,"note":"ü","step":4}');
    for (let length = 0; length <= tail.length; length++) {
      await writeFile(
        join(folder, 'metrics.jsonl'),
        Buffer.concat([whole.subarray(0, kept), tail.subarray(0, length)]),
      );
      expect((await readRun(folder)).points.length).toBe(3);
      const run = await open(folder);
      expect(run.points.length).toBe(3);
      await run.close();
      expect(await readFile(join(folder, 'metrics.jsonl'))).toEqual(whole.subarray(0, kept));
    }
  });

  it('opens a run that was killed while it was made', async () => {
    const folder = newFolder();
    await mkdir(folder);
    await writeFile(join(folder, 'config.json.partial-0123456789abcdef'), '{"for');
    await writeFile(join(folder, 'config.json.lock'), '');
    await writeFile(join(folder, 'lock'), `${process.ppid}\n`);
    const run = await open(folder);
    await run.append({ step: 0, loss: 1 });
    await run.close();
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'metrics.jsonl']);
  });

  it.each(['checkpoint.replacing-new', 'checkpoint.replaced-old'])(
    'mends a checkpoint that was left as %s',
    async (name) => {
      const folder = await killedRun();
      await cp(join(folder, 'checkpoint'), join(folder, name), { recursive: true });
      await rm(join(folder, 'checkpoint'), { recursive: true });
      expect((await open(folder)).checkpointStep).toBe(3);
      expect((await readdir(folder)).sort()).toEqual(['checkpoint', 'config.json', 'lock', 'metrics.jsonl']);
    },
  );

  it('lists every difference of another configuration, and changes nothing', async () => {
    const folder = await killedRun();
    const before = await metrics(folder);
    const other: RunConfig = {
      ...TOY_CONFIG,
      training: { batch: 16, schedule: { kind: 'cosine', peak: 0.001, minimum: 0 } },
      seeds: { weights: 1 },
      versions: { ...TOY_CONFIG.versions, node: 'v22' },
    };
    await expect(openRun(folder, other)).rejects.toThrow(
      'got other values:\n' +
        '  seeds.batches: 2 in the folder, nothing now\n' +
        '  training.batch: 12 in the folder, 16 now\n' +
        '  training.schedule.minimum: nothing in the folder, 0 now\n' +
        '  versions.node: "v20" in the folder, "v22" now\n',
    );
    expect(await metrics(folder)).toBe(before);
    expect(await readdir(folder)).not.toContain('lock');
  });

  it('refuses a foreign folder and leaves it alone', async () => {
    const folder = newFolder();
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'mine');
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/must be empty or a run.*got thesis.txt/);
    await expect(readRun(folder)).rejects.toThrow(/got no file/);
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    await writeFile(join(folder, 'config.json'), '{"vocab_size": 3}');
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(
      /must be a bitnet-notebooks-run.*got format undefined/,
    );
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'thesis.txt']);
  });

  it.each([
    ['half a file', '{"format": "bitnet-note', /got broken JSON/],
    ['nothing', '', /got broken JSON/],
    ['null', 'null', /got format undefined/],
    [
      'another version',
      '{"format":"bitnet-notebooks-run","formatVersion":2}',
      /version 1, got version 2.*Use the version/,
    ],
    ['missing parts', '{"format":"bitnet-notebooks-run","formatVersion":1,"model":{}}', /got no training/],
  ])('refuses a config.json with %s', async (_, text, message) => {
    const folder = await killedRun();
    await writeFile(join(folder, 'config.json'), text);
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(message);
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(RunFolderError);
    expect((await metrics(folder)).split('\n').length).toBe(6);
  });

  it.each([
    ['no JSON', '{"loss":1,"step"', /line 2 of/],
    ['no step', '{"loss":1}', /line 2 of/],
    ['a step that is none', '{"step":-1}', /line 2 of/],
    ['an empty line', '', /got "" in line 2/],
    ['zeros of a lost page', '\0\0\0', /line 2 of/],
    ['a step that falls', '{"step":0}', /must not fall, got 0 after 1 in line 2/],
  ])(
    'refuses metrics with %s in the middle, names the line and changes nothing',
    async (_, line, message) => {
      const folder = await killedRun();
      const lines = (await metrics(folder)).split('\n');
      lines[1] = line;
      await writeFile(join(folder, 'metrics.jsonl'), lines.join('\n'));
      await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(message);
      await expect(readRun(folder)).rejects.toThrow(message);
      expect(await metrics(folder)).toBe(lines.join('\n'));
    },
  );

  it('refuses metrics that lack points from before the checkpoint', async () => {
    const folder = await killedRun();
    await writeFile(join(folder, 'metrics.jsonl'), '{"loss":1,"step":1}\n{"loss":0.5,"st');
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(
      /must hold 3 points up to the checkpoint's step 3, got 1/,
    );
    await rm(join(folder, 'metrics.jsonl'));
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/got 0/);
  });

  it('refuses the checkpoint of another run', async () => {
    const folder = await killedRun();
    const other = newFolder();
    const run = await open(other, { ...TOY_CONFIG, seeds: { weights: 9, batches: 9 } });
    await run.saveCheckpoint(checkpointAt(0));
    await run.close();
    await rm(join(folder, 'checkpoint'), { recursive: true });
    await cp(join(other, 'checkpoint'), join(folder, 'checkpoint'), { recursive: true });
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/checkpoint must belong to this run/);
  });

  it('refuses a checkpoint with a damaged or missing file', async () => {
    const folder = await killedRun();
    const tensors = join(folder, 'checkpoint', 'training.safetensors');
    const bytes = await readFile(tensors);
    // As a disk returns a page that it lost: the format alone has nothing against zeros.
    await writeFile(tensors, Buffer.concat([bytes.subarray(0, -4), Buffer.alloc(4)]));
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(
      /must have SHA-256 [0-9a-f]{64}, got [0-9a-f]{64} in .*training\.safetensors.*damaged/,
    );
    await writeFile(tensors, bytes.subarray(0, -1));
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/training\.safetensors/);
    await rm(tensors);
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/training\.safetensors/);
    for (const text of ['{"step":3', 'null', '{"step":3,"points":3,"identity":"x","sha256":null}']) {
      await writeFile(join(folder, 'checkpoint', 'training.json'), text);
      await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(
        /must have step, points, identity and sha256, got .*training\.json/,
      );
    }
    await rm(join(folder, 'checkpoint', 'training.json'));
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(/training\.json/);
  });

  it('goes on from a checkpoint of an early version, which has no hashes', async () => {
    const folder = await killedRun();
    const file = join(folder, 'checkpoint', 'training.json');
    const { sha256, checksum, ...early } = JSON.parse(await readFile(file, 'utf8')) as Record<
      string,
      unknown
    >;
    expect([sha256, checksum]).not.toContain(undefined);
    await writeFile(file, JSON.stringify(early));
    expect((await (await open(folder)).loadCheckpoint())!.step).toBe(3);
  });

  it('refuses a checkpoint whose step or state was changed', async () => {
    const folder = await killedRun();
    const file = join(folder, 'checkpoint', 'training.json');
    const sound = await readFile(file, 'utf8');
    for (const change of [
      [/"step": 3/, '"step": 2'],
      [/"seen": 3/, '"seen": 4'],
      [/"seen": 3/, '"seen": 1e400'],
      [/"checksum": "[^"]+"/, '"checksum": null'],
    ] as const) {
      const [before, after] = change;
      await writeFile(file, sound.replace(before, after));
      await expect(open(folder)).rejects.toThrow(/the file must have checksum \w+, got .*training\.json/);
    }
  });

  it('refuses a complete run whose last checkpoint is gone: its trained model is', async () => {
    const folder = await killedRun();
    const run = await open(folder);
    await run.saveCheckpoint(checkpointAt(5));
    await run.complete();
    await run.close();
    await rm(join(folder, 'checkpoint'), { recursive: true });
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(
      /complete run must have its checkpoint of step 5, got none in .*delete completed\.json/,
    );
    expect((await readRun(folder)).completed).toBe(true);
    await rm(join(folder, 'completed.json'));
    expect((await open(folder)).points).toEqual([]);
  });

  it('makes no checkpoint in the place of what somebody put there', async () => {
    const folder = await killedRun();
    const run = await open(folder);
    await writeFile(join(folder, 'checkpoint', 'model.gguf'), 'exported by hand');
    await expect(run.saveCheckpoint(checkpointAt(7))).rejects.toThrow(/holds "model\.gguf"/);
    expect((await run.loadCheckpoint())!.step).toBe(3);
    await rm(join(folder, 'checkpoint', 'model.gguf'));
    await run.saveCheckpoint(checkpointAt(7));
  });

  it('refuses a path that is a file', async () => {
    const path = newFolder();
    await writeFile(path, '');
    await expect(openRun(path, TOY_CONFIG)).rejects.toThrow(path);
    await expect(openRun(join(path, 'run'), TOY_CONFIG)).rejects.toThrow(path);
  });

  it('refuses a folder that another process writes to, and takes over from a dead one', async () => {
    const folder = newFolder();
    const child = startSource('test/runs/toy-run-process.ts', [folder]);
    await once(child.stdout!, 'data');
    await expect(openRun(folder, TOY_CONFIG)).rejects.toThrow(`held by process ${child.pid} of `);
    expect((await readRun(folder)).points.length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await ended(child);
    // Whoever has the number now: in a container it is often the next process itself.
    await writeFile(join(folder, 'lock'), `${process.pid}\n`);
    await open(folder);
  });

  it.skipIf(process.platform === 'win32')(
    'has one writer, also in one process and under two names',
    async () => {
      const folder = newFolder();
      const opening = await Promise.allSettled([open(folder), open(folder)]);
      expect(opening.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await symlink(folder, `${folder}-link`);
      await expect(openRun(`${folder}-link`, TOY_CONFIG)).rejects.toThrow(
        /must be free, got held by this process.*a loop that goes on in a notebook ends with its kernel/,
      );
      await opened[0].append({ step: 1, loss: 1 });
      await opened[0].close();
      await expect(opened[0].append({ step: 2, loss: 1 })).rejects.toThrow(/must be open, got closed/);
      expect((await open(`${folder}-link`)).points).toEqual([]);
    },
  );

  it('closes after the writes that nobody awaited', async () => {
    const folder = newFolder();
    const first = await open(folder);
    const writes = Array.from({ length: 50 }, (_, i) => first.append({ step: i + 1, loss: 1 }));
    await first.close();
    const second = await open(folder);
    await Promise.all(writes);
    await second.append({ step: 1, loss: 2 });
    expect((await readRun(folder)).points).toEqual([{ step: 1, loss: 2 }]);
  });
});

describe('openRun with onRepair', () => {
  const repaired = async (folder: string): Promise<{ run: RunFolder<ToyPoint>; notes: string[] }> => {
    const notes: string[] = [];
    const run = await openRun<ToyPoint>(folder, TOY_CONFIG, { onRepair: (note) => notes.push(note) });
    opened.push(run);
    return { run, notes };
  };

  it('says nothing of a whole folder', async () => {
    const { run, notes } = await repaired(await killedRun());
    expect([notes, run.checkpointStep]).toEqual([[], 3]);
  });

  it('cuts metrics before a damaged line, and keeps the file as found', async () => {
    const folder = await killedRun();
    const lines = (await metrics(folder)).split('\n');
    lines[3] = '\0\0';
    await writeFile(join(folder, 'metrics.jsonl'), lines.join('\n'));
    const { run, notes } = await repaired(folder);
    expect(run.checkpointStep).toBe(3);
    expect(notes.join(' ')).toMatch(
      /line 4 of .*metrics\.jsonl is no point.*goes on from its checkpoint at step 3/,
    );
    expect(await readFile(join(folder, 'metrics.jsonl.damaged'), 'utf8')).toBe(lines.join('\n'));
  });

  it('starts again where the damage lies before the checkpoint', async () => {
    const folder = await killedRun();
    await writeFile(join(folder, 'metrics.jsonl'), '{"loss":1,"step":1}\nnonsense\n');
    const { run, notes } = await repaired(folder);
    expect([run.checkpointStep, run.points]).toEqual([undefined, []]);
    expect(notes.join(' ')).toMatch(/lies before the checkpoint.*starts again/);
  });

  it('takes a damaged checkpoint away, and a damaged or lying completed.json', async () => {
    for (const damage of [
      async (folder: string) => writeFile(join(folder, 'checkpoint', 'training.safetensors'), 'zeros'),
      async (folder: string) => rm(join(folder, 'checkpoint', 'training.safetensors')),
      async (folder: string) => rm(join(folder, 'checkpoint'), { recursive: true }),
    ]) {
      const folder = await killedRun();
      const first = await open(folder);
      await first.append({ step: 4, loss: 4 });
      await first.saveCheckpoint(checkpointAt(4));
      await first.complete();
      await first.close();
      await damage(folder);
      const { run, notes } = await repaired(folder);
      expect([run.completed, run.checkpointStep, run.points]).toEqual([false, undefined, []]);
      expect(notes.join(' ')).toMatch(
        /complete run must have its checkpoint of step 4.*The run starts again/,
      );
    }
    const folder = await killedRun();
    await writeFile(join(folder, 'completed.json'), '{}');
    const { run, notes } = await repaired(folder);
    expect([run.completed, run.checkpointStep]).toEqual([false, 3]);
    expect(notes.join(' ')).toMatch(
      /must hold the number of points, got "\{\}".*goes on from its checkpoint at step 3/,
    );
  });

  it('changes nothing of a run with another configuration, or that somebody writes', async () => {
    const folder = await killedRun();
    const lines = (await metrics(folder)).replace('"step":1', '"step":x');
    await writeFile(join(folder, 'metrics.jsonl'), lines);
    const other = { ...TOY_CONFIG, seeds: { weights: 7 } };
    const onRepair = (): never => expect.unreachable();
    await expect(openRun(folder, other, { onRepair })).rejects.toThrow(/seeds.weights/);
    const lock = await tryLock(join(folder, 'lock'));
    await expect(openRun(folder, TOY_CONFIG, { onRepair })).rejects.toThrow(/must be free/);
    lock!.release();
    expect(await metrics(folder)).toBe(lines);
  });
});

describe('RunFolder', () => {
  it('keeps the order of calls that were not awaited', async () => {
    const folder = newFolder();
    const run = await open(folder);
    await Promise.all([
      ...Array.from({ length: 20 }, (_, step) => run.append({ step, loss: step })),
      run.saveCheckpoint(checkpointAt(19)),
      run.append({ step: 20, loss: 20 }),
      run.complete(),
    ]);
    const { points, completed } = await readRun(folder);
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 21 }, (_, step) => step));
    expect(completed).toBe(true);
  });

  it('refuses points out of order, at or before the checkpoint, and without a step', async () => {
    const run = await open(newFolder());
    await run.append({ step: 5, loss: 1 });
    await run.append({ step: 5, loss: 2 });
    await expect(run.append({ step: 4, loss: 1 })).rejects.toThrow(
      /step must be a whole number from 5, got 4/,
    );
    await run.saveCheckpoint(checkpointAt(6));
    await expect(run.append({ step: 6, loss: 1 })).rejects.toThrow(/from 7, got 6.*before the checkpoint/);
    await expect(run.append({ step: 7.5, loss: 1 })).rejects.toThrow(/got 7.5/);
    await expect(run.append({ loss: 1 } as ToyPoint)).rejects.toThrow(/got undefined/);
    expect(run.points.length).toBe(2);
  });

  it('refuses a loss that is not finite, and the file stays whole', async () => {
    const folder = newFolder();
    const run = await open(folder);
    await run.append({ step: 1, loss: 1 });
    await expect(run.append({ step: 2, loss: NaN })).rejects.toThrow(
      /value\.loss must be a finite number, got NaN/,
    );
    await run.append({ step: 2, loss: 2 });
    expect((await readRun(folder)).points.length).toBe(2);
  });

  it('refuses a checkpoint of an earlier step, and one whose tensors do not fit; the one before stays', async () => {
    const folder = newFolder();
    const run = await open(folder);
    await run.append({ step: 4, loss: 1 });
    await run.saveCheckpoint(checkpointAt(4));
    await expect(run.saveCheckpoint(checkpointAt(3))).rejects.toThrow(/from 4.*got 3/);
    const wrong = { step: 5, state: null, tensors: [{ name: 'w', shape: [3], data: new Float32Array(4) }] };
    await expect(run.saveCheckpoint(wrong)).rejects.toThrow(/"w"/);
    await expect(run.saveCheckpoint({ ...checkpointAt(5), state: { loss: NaN } })).rejects.toThrow(/finite/);
    expect((await run.loadCheckpoint())!.step).toBe(4);
    expect(await readdir(join(folder, 'checkpoint'))).toEqual(['training.json', 'training.safetensors']);
    expect((await readdir(folder)).sort()).toEqual(['checkpoint', 'config.json', 'lock', 'metrics.jsonl']);
  });

  it('gives tensors back bit for bit', async () => {
    const run = await open(newFolder());
    let step = 0;
    await fc.assert(
      fc.asyncProperty(fc.float32Array({ minLength: 1, maxLength: 50 }), async (data) => {
        await run.saveCheckpoint({
          step: ++step,
          state: step,
          tensors: [{ name: 'x', shape: [data.length], data }],
        });
        const loaded = (await run.loadCheckpoint())!;
        expect(loaded.state).toBe(step);
        expect(Buffer.from(loaded.tensors.get('x')!.data.buffer)).toEqual(Buffer.from(data.slice().buffer));
      }),
      { numRuns: 25 },
    );
  });

  it('saves a model in the layout of Hugging Face around its own state', async () => {
    const folder = newFolder();
    const run = await open(folder);
    const config = TOY_CONFIG.model;
    const reference = fileURLToPath(new URL('../golden/train/bitnet.safetensors', import.meta.url));
    const tensors = [...(await readSafetensors(reference))]
      .filter(([name]) => name.startsWith('init.'))
      .map(([name, { shape, data }]) => ({ name: name.slice(5), shape, data: data as Float32Array }));
    await run.saveCheckpoint({ ...checkpointAt(1), model: { config, tensors } });
    const loaded = (await run.loadCheckpoint())!;
    expect([...loaded.modelTensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name, data } of tensors) expect(loaded.modelTensors.get(name)!.data).toEqual(data);
    expect([...loaded.tensors.keys()]).toEqual(['w']);
    expect(await readdir(run.checkpointFolder)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'training.json', 'training.safetensors']),
    );
  });

  it('a complete run can be read and opened, but not written', async () => {
    const folder = newFolder();
    await toyRun(folder);
    const before = await metrics(folder);
    const run = await open(folder);
    expect(run.completed).toBe(true);
    expect(run.points.length).toBe(TOY_STEPS);
    await expect(run.append({ step: 99, loss: 1 })).rejects.toThrow(/must be unfinished, got complete/);
    await expect(run.saveCheckpoint(checkpointAt(99))).rejects.toThrow(/got complete/);
    expect((await run.loadCheckpoint())!.step).toBe(56);
    expect(await metrics(folder)).toBe(before);
    await writeFile(join(folder, 'metrics.jsonl'), before.split('\n').slice(0, 9).join('\n') + '\n');
    await expect(readRun(folder)).rejects.toThrow(/must hold 60 points as the run was completed, got 9/);
    await writeFile(join(folder, 'completed.json'), '{');
    await expect(readRun(folder)).rejects.toThrow(/must hold the number of points/);
  });
});
