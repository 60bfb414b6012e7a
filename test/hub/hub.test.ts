import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { scanCacheDir } from '@huggingface/hub';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { downloadModel, type DownloadOptions, type DownloadProgress } from '../../lib/hub/hub.js';
import { sayWait, type HubWait } from '../../lib/hub/request.js';
import { downloadSize } from '../../lib/hub/size.js';
import { refusedUrl } from '../local-server.js';
import { temporaryFolder } from '../temporary-folder.js';
import { breakOff, hashOf, refuse, send, startHub, type LocalHub, type Misbehaviour } from './local-hub.js';

/** 300,000 bytes that differ from place to place: several chunks. */
const weights = Buffer.from(Uint32Array.from({ length: 75_000 }, (_, n) => n * 2_654_435_761).buffer);
const model = {
  'README.md': Buffer.from('# not needed'),
  'config.json': Buffer.from('{"hidden_size": 8}'),
  'generation_config.json': Buffer.from('{}'),
  'tokenizer.json': Buffer.alloc(2000, 't'),
  'tokenizer_config.json': Buffer.from('{"model_max_length": 8}'),
  'model.safetensors': weights,
  'original/consolidated.safetensors': Buffer.alloc(5000, 'o'),
};
const needed = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

const VARIABLES = [
  'HF_ENDPOINT',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HUGGINGFACE_HUB_CACHE',
  'HF_TOKEN',
  'HF_TOKEN_PATH',
  'HF_HUB_OFFLINE',
  'XDG_CACHE_HOME',
];
const before = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
/** HF_HOME of the test that runs. */
let home: string;

beforeEach(async () => {
  for (const name of VARIABLES) delete process.env[name];
  home = await temporaryFolder();
  process.env.HF_HOME = home;
});
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

const modelFolder = (): string => join(home, 'hub', 'models--owner--model');
const blobs = (): Promise<string[]> => readdir(join(modelFolder(), 'blobs'));
const weightsBlob = (): string => join(modelFolder(), 'blobs', hashOf(weights));

async function start(files: Record<string, Buffer> = model): Promise<LocalHub> {
  const hub = await startHub(files);
  process.env.HF_ENDPOINT = hub.url;
  return hub;
}

/** Downloads with waits short enough for a test. */
function download(options: DownloadOptions = {}): Promise<string> {
  return downloadModel('owner/model', {
    patience: { tries: 3, firstWaitMs: 1, silenceMs: 5000 },
    ...options,
  });
}

/** The names in a snapshot, and the hash that the content of each really has. */
async function contents(folder: string): Promise<string[][]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => [name, hashOf(await readFile(join(folder, name)))]));
}
const wholeModel = needed.map((name) => [name, hashOf(model[name as keyof typeof model])]);

describe('downloadModel', () => {
  it('fetches what a model needs and nothing else, in the layout of the shared cache', async () => {
    const hub = await start();
    const folder = await download();
    expect(folder).toBe(join(modelFolder(), 'snapshots', hub.commit));
    expect(await contents(folder)).toEqual(wholeModel);
    expect((await blobs()).sort()).toEqual(wholeModel.map(([, hash]) => hash).sort());
    expect(await readFile(join(modelFolder(), 'refs', 'main'), 'utf8')).toBe(hub.commit);
    expect((await lstat(join(folder, 'config.json'))).isSymbolicLink()).toBe(true);
    expect(await readlink(join(folder, 'model.safetensors'))).toBe(
      join('..', '..', 'blobs', hashOf(weights)),
    );
    expect((await readdir(modelFolder())).sort()).toEqual(['blobs', 'refs', 'snapshots']);
    expect(
      hub.requests.filter((request) => request.includes('README') || request.includes('original')),
    ).toEqual([]);
  });

  it('makes a cache that the library of the Hub reads', async () => {
    const hub = await start();
    await download();
    const { repos, warnings } = await scanCacheDir(join(home, 'hub'));
    expect(warnings).toEqual([]);
    expect(repos.map(({ id, filesCount }) => [id, filesCount])).toEqual([
      [{ type: 'model', name: 'owner/model' }, 5],
    ]);
    expect(repos[0]?.revisions.map(({ commitOid, refs }) => [commitOid, refs])).toEqual([
      [hub.commit, ['main']],
    ]);
  });

  it('downloads nothing twice', async () => {
    const hub = await start();
    await download();
    hub.requests.length = 0;
    expect(await contents(await download())).toEqual(wholeModel);
    expect(hub.requests).toEqual([
      'GET /api/models/owner/model/revision/main',
      `GET /api/models/owner/model/tree/${hub.commit}`,
    ]);
  });

  it('takes HF_HUB_CACHE before HF_HOME', async () => {
    await start();
    const cache = await temporaryFolder();
    process.env.HF_HUB_CACHE = cache;
    expect(await download()).toContain(join(cache, 'models--owner--model'));
    expect(await readdir(home)).toEqual([]);
  });

  it('takes a commit as revision, and keeps no ref of it', async () => {
    const hub = await start();
    expect(await contents(await download({ revision: hub.commit }))).toEqual(wholeModel);
    expect(existsSync(join(modelFolder(), 'refs'))).toBe(false);
  });

  it('takes the shards of a sharded model with their index', async () => {
    await start({
      'config.json': Buffer.from('{}'),
      'model.safetensors.index.json': Buffer.from('{"weight_map":{"a":"model-00001-of-00002.safetensors"}}'),
      'model-00001-of-00002.safetensors': Buffer.alloc(3000, '1'),
      'model-00002-of-00002.safetensors': Buffer.alloc(3000, '2'),
      'ggml-model.gguf': Buffer.alloc(3000, 'g'),
    });
    expect((await readdir(await download())).sort()).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
  });

  it('gives the path of the .gguf file where that is the model', async () => {
    const hub = await start({ 'README.md': Buffer.from('#'), 'ggml-model-i2_s.gguf': weights });
    const path = await download();
    expect(path).toBe(join(modelFolder(), 'snapshots', hub.commit, 'ggml-model-i2_s.gguf'));
    expect((await readFile(path)).equals(weights)).toBe(true);
    process.env.HF_HUB_OFFLINE = '1';
    expect(await download()).toBe(path);
  });

  it('asks which of several .gguf files is meant, and takes the one that is named', async () => {
    await start({ 'a.gguf': Buffer.alloc(3000, 'a'), 'b.gguf': Buffer.alloc(3000, 'b') });
    await expect(download()).rejects.toThrow(
      /must have one \.gguf file, got a\.gguf, b\.gguf\. Name one with the option files/,
    );
    expect(await download({ files: ['b.gguf'] })).toMatch(/b\.gguf$/);
    await expect(download({ files: ['b.gguf', 'c.gguf'] })).rejects.toThrow(
      /c\.gguf must be in owner\/model, got a\.gguf, b\.gguf/,
    );
  });

  it('says that a repository has no model in it', async () => {
    await start({ 'README.md': Buffer.from('#') });
    await expect(download()).rejects.toThrow(/must have model\.safetensors or a \.gguf file, got README\.md/);
  });

  it('tells how far it is, from nothing to all', async () => {
    await start();
    const points: DownloadProgress[] = [];
    await download({ onProgress: (point) => points.push(point) });
    const totalBytes = needed.reduce((sum, name) => sum + model[name as keyof typeof model].length, 0);
    expect(points.length).toBeGreaterThan(1);
    expect(points.every((point) => point.totalBytes === totalBytes)).toBe(true);
    const bytes = points.map((point) => point.bytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(points.at(-1)).toMatchObject({ file: 'model.safetensors', bytes: totalBytes, secondsLeft: 0 });
    expect(points.at(-1)!.bytesPerSecond).toBeGreaterThan(0);
  });

  it('downloads once when it is called twice at the same time', async () => {
    const hub = await start();
    const [one, two] = await Promise.all([download(), download()]);
    expect(one).toBe(two);
    expect(await contents(one)).toEqual(wholeModel);
    expect(hub.requests.filter((request) => request === 'GET /store/model.safetensors')).toHaveLength(1);
  });

  it('does not wait for a process that is gone', async () => {
    await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(`${weightsBlob()}.lock`, String(2 ** 22 + 1)); // beyond the largest process number of Linux
    expect(await contents(await download())).toEqual(wholeModel);
  });
});

describe('the token', () => {
  it('goes to the endpoint, and to no other server', async () => {
    const hub = await start();
    process.env.HF_TOKEN = 'secret';
    await download();
    const atStore = hub.headers.filter(({ request }) => request.includes('/store/'));
    const atHub = hub.headers.filter(({ request }) => !request.includes('/store/'));
    expect(atStore.length).toBe(2);
    expect(atStore.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    expect(new Set(atHub.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));
  });

  it('does not go to a server that the listing’s next page names', async () => {
    const hub = await start();
    process.env.HF_TOKEN = 'secret';
    const { listing } = hub;
    hub.onHub = ({ url }, response) => {
      if (!url!.includes('/tree/')) return false;
      response.setHeader('link', `<${hub.storeUrl}/more>; rel="next"`);
      response.end(JSON.stringify(listing.slice(0, 5)));
      return true;
    };
    hub.onStore = ({ url }, response) =>
      url === '/more' && (response.end(JSON.stringify(listing.slice(5))), true);
    expect(await contents(await download())).toEqual(wholeModel);
    expect(hub.headers.find(({ request }) => request === 'GET /more')?.authorization).toBeUndefined();
  });

  it('is read from HF_HOME/token, where login leaves it', async () => {
    const hub = await start();
    await writeFile(join(home, 'token'), 'hf_from_login\n');
    await download();
    expect(hub.headers[0]?.authorization).toBe('Bearer hf_from_login');
  });

  it('is not sent where there is none', async () => {
    const hub = await start();
    await download();
    expect(hub.headers.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('downloadModel over a bad connection', () => {
  it('takes up a broken connection where it broke off', async () => {
    const hub = await start();
    let breaks = 0;
    hub.onStore = (request, response) => {
      if (!request.url!.endsWith('model.safetensors') || breaks === 4) return false;
      breaks += 1;
      breakOff(weights, 50_000, `${weightsBlob()}.incomplete`, request, response);
      return true;
    };
    expect(await contents(await download())).toEqual(wholeModel);
    const ranges = hub.headers
      .filter(({ request }) => request.endsWith('/store/model.safetensors'))
      .map(({ range }) => range);
    // More breaks than tries: progress makes earlier failures forgotten.
    expect(ranges).toEqual([undefined, 'bytes=50000-', 'bytes=100000-', 'bytes=150000-', 'bytes=200000-']);
  });

  it('goes on in a later call, and counts what was there', async () => {
    const hub = await start();
    const stop = new AbortController();
    hub.onStore = (request, response) => {
      if (!request.url!.endsWith('model.safetensors')) return false;
      breakOff(weights, 70_000, `${weightsBlob()}.incomplete`, request, response);
      response.once('close', () => stop.abort(new Error('stopped by the reader')));
      return true;
    };
    const stopped = download({
      signal: stop.signal,
      patience: { tries: 3, firstWaitMs: 60_000, silenceMs: 60_000 },
    });
    await expect(stopped).rejects.toThrow('stopped by the reader');
    const left = (await lstat(`${weightsBlob()}.incomplete`)).size;
    expect(left).toBe(70_000);
    expect(existsSync(weightsBlob())).toBe(false);
    expect(existsSync(`${weightsBlob()}.lock`)).toBe(false);
    hub.onStore = undefined;
    hub.headers.length = 0;
    const points: DownloadProgress[] = [];
    expect(await contents(await download({ onProgress: (point) => points.push(point) }))).toEqual(wholeModel);
    expect(hub.headers.at(-1)).toMatchObject({
      request: 'GET /store/model.safetensors',
      range: `bytes=${left}-`,
    });
    expect(points.some(({ bytes }) => bytes >= left && bytes < weights.length)).toBe(true);
  });

  it('starts anew where the server does not know ranges', async () => {
    const hub = await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(`${weightsBlob()}.incomplete`, weights.subarray(0, 1234));
    hub.onStore = (request, response) => {
      delete request.headers.range;
      send(request.url!.endsWith('model.safetensors') ? weights : model['tokenizer.json'], request, response);
      return true;
    };
    expect(await contents(await download())).toEqual(wholeModel);
  });

  it.each([
    ['damaged', Buffer.alloc(1234, 'x')],
    ['longer than the file', Buffer.concat([weights, Buffer.from('more')])],
    ['as long as the file, and damaged', Buffer.alloc(weights.length, 'x')],
  ])('starts anew where what was left is %s', async (_, left) => {
    await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(`${weightsBlob()}.incomplete`, left);
    expect(await contents(await download())).toEqual(wholeModel);
  });

  it('asks for nothing where what was left is whole', async () => {
    const hub = await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(`${weightsBlob()}.incomplete`, weights);
    expect(await contents(await download())).toEqual(wholeModel);
    expect(hub.requests).not.toContain('GET /store/model.safetensors');
  });

  it('gives up when nothing more comes, and keeps what has come', async () => {
    const hub = await start();
    let hasBroken = false;
    hub.onStore = (request, response) => {
      if (!request.url!.endsWith('model.safetensors')) return false;
      if (hasBroken) response.destroy();
      else breakOff(weights, 60_000, `${weightsBlob()}.incomplete`, request, response);
      hasBroken = true;
      return true;
    };
    await expect(download()).rejects.toThrow(
      /model\.safetensors cannot be reached: .+\. Check the network\./,
    );
    expect((await lstat(`${weightsBlob()}.incomplete`)).size).toBe(60_000);
    expect(existsSync(join(modelFolder(), 'refs'))).toBe(false);
  });

  it.each(['/tree/', '/store/'])('gives up on a server that sends a byte now and then: %s', async (place) => {
    const hub = await start();
    const dribble: Misbehaviour = ({ url }, response) => {
      if (!url!.includes(place) || url!.endsWith('tokenizer.json')) return false;
      response.writeHead(200, place === '/tree/' ? {} : { 'content-length': weights.length });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
      return true;
    };
    hub.onHub = hub.onStore = dribble;
    await expect(download({ patience: { tries: 3, firstWaitMs: 1, silenceMs: 300 } })).rejects.toThrow(
      /cannot be reached: the server sent only \d+ bytes in 0\.3 s\. Check the network/,
    );
    expect(hub.requests.filter((request) => request.includes(place)).length).toBeGreaterThanOrEqual(3);
  });

  it('gives up on a server that falls silent', async () => {
    const hub = await start();
    hub.onStore = ({ url }, response) => {
      if (!url!.endsWith('model.safetensors')) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 100));
      return true;
    };
    const patience = { tries: 2, firstWaitMs: 1, silenceMs: 200 };
    await expect(download({ patience })).rejects.toThrow(
      /cannot be reached: the server sent only 100 bytes in 0\.2 s/,
    );
  });
});

describe('downloadModel from a server that lies', () => {
  it.each<[string, keyof typeof model]>([
    ['a large file (SHA-256)', 'model.safetensors'],
    ['a small file (git’s SHA-1)', 'tokenizer_config.json'],
  ])('refuses other bytes for %s, and keeps nothing of them', async (_, path) => {
    const hub = await start();
    const wrong = Buffer.from(model[path]);
    wrong[7] ^= 1;
    const lie = (request: Parameters<typeof send>[1], response: Parameters<typeof send>[2]): boolean => {
      if (
        !request.url!.endsWith(path) ||
        request.url!.startsWith('/owner') === (path === 'model.safetensors')
      )
        return false;
      send(wrong, request, response);
      return true;
    };
    hub.onHub = lie;
    hub.onStore = lie;
    await expect(download()).rejects.toThrow(
      new RegExp(
        `${path} must have the hash ${hashOf(model[path])}, got [0-9a-f]+ from .*Nothing of it is kept`,
      ),
    );
    expect((await blobs()).some((name) => name.includes(hashOf(model[path])))).toBe(false);
    expect(existsSync(join(modelFolder(), 'refs'))).toBe(false);
  });

  it.each([
    [
      'a longer file',
      Buffer.concat([weights, Buffer.from('!')]),
      /must have 300000 bytes as the listing says, got 300001/,
    ],
    ['a shorter file', weights.subarray(0, -1), /must have 300000 bytes as the listing says, got 299999/],
  ])('refuses %s', async (_, other, message) => {
    const hub = await start();
    hub.onStore = (request, response) => {
      if (!request.url!.endsWith('model.safetensors')) return false;
      send(other, request, response);
      return true;
    };
    await expect(download()).rejects.toThrow(message);
    expect((await blobs()).some((name) => name.startsWith(hashOf(weights)))).toBe(false);
  });

  it('refuses a body that goes on without an announced length', async () => {
    const hub = await start();
    hub.onStore = ({ url }, response) => {
      if (!url!.endsWith('model.safetensors')) return false;
      response.write(weights);
      response.end('and more');
      return true;
    };
    await expect(download()).rejects.toThrow(/must have 300000 bytes as the listing says, got more/);
  });

  it('refuses a body that ends too early without an announced length', async () => {
    const hub = await start();
    hub.onStore = (request, response) => {
      if (!request.url!.endsWith('model.safetensors')) return false;
      const start = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-299999/*` });
      response.write(weights.subarray(start, 1000));
      response.end();
      return true;
    };
    await expect(download()).rejects.toThrow(
      /must give 300000 bytes of model\.safetensors, got 1000 before it ended/,
    );
  });

  it.each([
    ['another total', 'bytes 1234-299999/300001', /as the listing says, got 300001/],
    ['another place', 'bytes 1000-299999/300000', /must go on at byte 1234, got 1000/],
    ['nonsense', 'everything', /must go on at byte 1234, got undefined/],
  ])('refuses a range with %s', async (_, range, message) => {
    const hub = await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    hub.onStore = ({ url }, response) => {
      if (!url!.endsWith('model.safetensors')) return false;
      response.writeHead(206, { 'content-range': range }).end(weights.subarray(1234));
      return true;
    };
    await writeFile(`${weightsBlob()}.incomplete`, weights.subarray(0, 1234));
    await expect(download({ patience: { tries: 1 } })).rejects.toThrow(message);
    expect(existsSync(weightsBlob())).toBe(false);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a path out of the folder',
      { path: '../../../evil' },
      /a path must be inside the repository, got "\.\.\/\.\.\/\.\.\/evil"/,
    ],
    ['an absolute path', { path: '/etc/evil' }, /a path must be inside/],
    ['a path of Windows', { path: 'c:\\evil' }, /a path must be inside/],
    ['a path that is no text', { path: 7 }, /a path must be inside/],
    ['a hash that is none', { oid: '../evil' }, /the hash of config\.json must be 64 hexadecimal digits/],
    ['no hash', { oid: undefined }, /the hash of config\.json must be/],
    ['a negative size', { size: -1 }, /the size of config\.json must be a number of bytes, got -1/],
    [
      'a size that is no number',
      { size: '18' },
      /the size of config\.json must be a number of bytes, got "18"/,
    ],
  ])('refuses a listing with %s', async (_, change, message) => {
    const hub = await start();
    Object.assign(
      hub.listing.find(({ path }) => path === 'config.json')!,
      change,
    );
    await expect(download()).rejects.toThrow(message);
  });

  it.each([
    ['no JSON', '<html>', /the description of owner\/model must be one that the Hub gives/],
    ['no object', 'null', /the description of owner\/model must be one that the Hub gives/],
    [
      'no commit',
      '{"id":"owner/model"}',
      /the commit of owner\/model must be 40 hexadecimal digits, got undefined/,
    ],
    [
      'a path as commit',
      '{"id":"owner/model","sha":"../../evil"}',
      /must be 40 hexadecimal digits, got "\.\.\/\.\.\/evil"/,
    ],
  ])('refuses a description that is %s', async (_, body, message) => {
    const hub = await start();
    hub.onHub = ({ url }, response) => url!.includes('/revision/') && (response.end(body), true);
    await expect(download()).rejects.toThrow(message);
  });

  it('stops reading a description that does not end', async () => {
    const hub = await start();
    hub.onHub = (_request, response) => {
      const megabyte = Buffer.alloc(2 ** 20, ' ');
      const more = (): void =>
        void (response.destroyed || response.write(megabyte, () => setImmediate(more)));
      more();
      return true;
    };
    await expect(download()).rejects.toThrow(/must give at most 16777216 bytes, got more/);
  });

  it('does not follow empty pages of the listing for ever', async () => {
    const hub = await start();
    hub.onHub = ({ url }, response) => {
      if (!url!.includes('/tree/')) return false;
      response.setHeader(
        'link',
        `<${hub.url}${url!.split('?')[0]}?cursor=${hub.requests.length}>; rel="next"`,
      );
      response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
      return true;
    };
    await expect(download()).rejects.toThrow(
      /the listing of owner\/model must have at most 50 pages, got more/,
    );
  });

  it('does not follow redirects for ever', async () => {
    const hub = await start();
    hub.onHub = ({ url }, response) => {
      response.writeHead(302, { location: url }).end();
      return true;
    };
    await expect(download()).rejects.toThrow(/redirects more than 8 times/);
  });
});

describe('downloadModel when the Hub refuses', () => {
  it.each([
    [401, /answered 401 \(this is 401\)\. Check the name; for a private or gated model set HF_TOKEN/],
    [403, /answered 403 \(this is 403\)\. The token may not read it: accept the conditions/],
    [404, /answered 404 \(this is 404\)\. Check the name of the model and its revision/],
    [418, /answered 418 \(this is 418\)/],
  ])('says what %i means, at once', async (status, message) => {
    const hub = await start();
    hub.onHub = (_request, response) => (refuse(response, status), true);
    await expect(download()).rejects.toThrow(message);
    expect(hub.requests).toHaveLength(1);
  });

  it.each([
    [429, /answered 429 \(this is 429\)\. Too many requests: try again later, or set HF_TOKEN/],
    [500, /answered 500 \(this is 500\)\. Try again later/],
    [503, /answered 503/],
  ])('tries again after %i, and gives up in the end', async (status, message) => {
    const hub = await start();
    hub.onHub = (_request, response) => (refuse(response, status), true);
    await expect(download()).rejects.toThrow(message);
    expect(hub.requests).toHaveLength(3);
  });

  it.each([429, 500, 502])('goes on when %i passes, for descriptions and for files', async (status) => {
    const hub = await start();
    const seen = new Set<string>();
    const once = ({ url }: { url?: string }, response: Parameters<typeof refuse>[0]): boolean => {
      if (seen.has(url!)) return false;
      seen.add(url!);
      refuse(response, status, '', { 'retry-after': '0' });
      return true;
    };
    hub.onHub = once;
    hub.onStore = once;
    expect(await contents(await download())).toEqual(wholeModel);
  });

  it('waits as long as the server asks', async () => {
    const hub = await start();
    let refusedAt = 0;
    let waitedMs = 0;
    hub.onHub = (_request, response) => {
      if (refusedAt > 0) waitedMs ||= performance.now() - refusedAt;
      else refuse(response, 429, '', { 'retry-after': '1' });
      refusedAt ||= performance.now();
      return waitedMs === 0;
    };
    await download();
    expect(waitedMs).toBeGreaterThan(950); // firstWaitMs is 1 here
  });

  it('says that it waits, and why', async () => {
    const hub = await start();
    let isRefused = false;
    hub.onHub = (_request, response) => {
      if (isRefused) return false;
      isRefused = true;
      refuse(response, 429, '', { 'retry-after': '1' });
      return true;
    };
    const waits: HubWait[] = [];
    await download({ onWait: (wait) => waits.push(wait) });
    expect(waits).toEqual([{ seconds: 1, reason: expect.stringContaining('answered 429') }]);
  });

  it('writes long waits to the console where nobody asked to be told', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    for (const seconds of [1, 30, undefined]) sayWait({ seconds, reason: `Reason of ${seconds}.` });
    expect(warn.mock.calls).toEqual([
      ['Reason of 30. Trying again in 30 s.'],
      ['Reason of undefined. Waiting for it.'],
    ]);
  });

  it('passes no order of a server on to the terminal', async () => {
    const hub = await start();
    hub.onHub = (_request, response) => {
      const error = 'gone\u001b[2J\u001b]0;title\u0007\r\n\u202Eback\u009b31m';
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return true;
    };
    const error = await download().catch((problem: Error) => problem);
    expect(String(error)).toContain('gone\uFFFD[2J\uFFFD]0;title\uFFFD\uFFFD\uFFFD\uFFFDback\uFFFD31m');
  });

  it('ends with the reason of the signal while it waits', async () => {
    const hub = await start();
    const stop = new AbortController();
    hub.onHub = (_request, response) => {
      refuse(response, 429, '', { 'retry-after': '60' });
      setTimeout(() => stop.abort(new Error('stopped by the reader')), 50);
      return true;
    };
    await expect(download({ signal: stop.signal })).rejects.toThrow('stopped by the reader');
    await expect(download({ signal: stop.signal })).rejects.toThrow('stopped by the reader');
    expect(hub.requests).toHaveLength(1);
  });

  it('says that a file of the listing is not there', async () => {
    const hub = await start();
    hub.onHub = ({ url }, response) => url!.endsWith('/config.json') && (refuse(response, 404), true);
    await expect(download()).rejects.toThrow(/resolve\/0123456789abcdef.*\/config\.json answered 404/);
  });
});

describe('downloadModel without a network', () => {
  it('gives what is in the cache with HF_HUB_OFFLINE, and asks nobody', async () => {
    const hub = await start();
    const folder = await download();
    hub.requests.length = 0;
    process.env.HF_HUB_OFFLINE = '1';
    expect(await download()).toBe(folder);
    expect(await download({ revision: hub.commit })).toBe(folder);
    expect(await download({ files: ['config.json'] })).toBe(folder);
    expect(hub.requests).toEqual([]);
  });

  it('names what the cache lacks', async () => {
    const hub = await start();
    process.env.HF_HUB_OFFLINE = 'true';
    await expect(download()).rejects.toThrow(
      /without a network owner\/model must be complete in .*models--owner--model, but there is no revision main/,
    );
    delete process.env.HF_HUB_OFFLINE;
    const folder = await download();
    process.env.HF_HUB_OFFLINE = '1';
    await rm(weightsBlob());
    await expect(download()).rejects.toThrow(
      /but there is no model\.safetensors\. Download it once with a network/,
    );
    await expect(download({ files: ['config.json', 'other.bin'] })).rejects.toThrow(/no other\.bin/);
    await expect(download({ revision: 'v2' })).rejects.toThrow(/no revision v2/);
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      '{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}',
    );
    await expect(download()).rejects.toThrow(/no model-1\.safetensors, model-2\.safetensors\./);
    await writeFile(join(folder, 'model.safetensors.index.json'), '{');
    await expect(download()).rejects.toThrow(/no readable model\.safetensors\.index\.json/);
    expect(hub.requests.length).toBeGreaterThan(0);
  });

  it('gives what is in the cache when the Hub cannot be reached', async () => {
    await start();
    const folder = await download();
    process.env.HF_ENDPOINT = await refusedUrl();
    expect(await download()).toBe(folder);
  });

  it('says why the Hub cannot be reached when the cache has nothing', async () => {
    process.env.HF_ENDPOINT = await refusedUrl();
    await expect(download()).rejects.toThrow(
      /127\.0\.0\.1:\d+\/api\/models\/owner\/model.* cannot be reached: .*ECONNREFUSED.*Check the network/,
    );
  });

  it('does not hide a refusal behind the cache', async () => {
    const hub = await start();
    await download();
    hub.onHub = (_request, response) => (refuse(response, 401), true);
    await expect(download()).rejects.toThrow(/answered 401/);
  });
});

describe('downloadModel on a bad disk', () => {
  it('says before it starts that there is no room, with both figures', async () => {
    const hub = await start();
    const entry = hub.listing.find(({ path }) => path === 'model.safetensors')!;
    entry.lfs = { oid: hashOf(weights), size: 2 ** 52, pointerSize: 135 };
    await expect(download()).rejects.toThrow(
      /4\.50e\+3 TB must fit on the disk of .*, got .* free\. Free some space, or set HF_HOME/,
    );
    expect(await blobs()).toEqual([]);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await symlink('/dev/full', `${weightsBlob()}.incomplete`);
    await expect(download()).rejects.toThrow(
      /download: the file must be within the free disk space, got ENOSPC in .*incomplete\. Free some space/,
    );
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe in the place of what has come', async () => {
    await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    execFileSync('mkfifo', [`${weightsBlob()}.incomplete`]);
    await expect(download()).rejects.toThrow(/download: the path must be a file, got a pipe in .*incomplete/);
  });

  it('counts what is there already before it says that there is no room', async () => {
    const hub = await start();
    const entry = hub.listing.find(({ path }) => path === 'model.safetensors')!;
    entry.lfs = { oid: hashOf(weights), size: 8.8e12, pointerSize: 135 };
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(`${weightsBlob()}.incomplete`, '');
    await truncate(`${weightsBlob()}.incomplete`, 4e12); // a hole, which takes no room
    await expect(download()).rejects.toThrow(/4\.80 TB must fit on the disk of .*, got .* free/);
  });

  it('says that the cache cannot be written', async () => {
    await start();
    await writeFile(join(home, 'hub'), 'a file where the folder should be');
    await expect(download()).rejects.toThrow(
      /download: the file must be inside a folder, got ENOTDIR in .*models--owner--model/,
    );
  });

  it('replaces a content of the wrong size', async () => {
    await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(weightsBlob(), 'cut off');
    expect(await contents(await download())).toEqual(wholeModel);
  });

  it('replaces a content of the right size and the wrong hash, however it came there', async () => {
    const hub = await start();
    await mkdir(dirname(weightsBlob()), { recursive: true });
    await writeFile(weightsBlob(), Buffer.alloc(weights.length));
    expect((await downloadSize('owner/model')).missingBytes).toBeGreaterThan(weights.length);
    expect(await contents(await download())).toEqual(wholeModel);
    // What has been looked at is looked at again once it has changed.
    hub.requests.length = 0;
    await writeFile(weightsBlob(), Buffer.alloc(weights.length, 1));
    expect(await contents(await download())).toEqual(wholeModel);
    expect(hub.requests).toContain('GET /store/model.safetensors');
  });

  it('refuses such a content where the network may not be asked', async () => {
    await start();
    await download();
    await writeFile(weightsBlob(), Buffer.alloc(weights.length));
    process.env.HF_HUB_OFFLINE = '1';
    await expect(download()).rejects.toThrow(/but there is no undamaged model\.safetensors\./);
  });
});

describe('downloadModel with wrong names', () => {
  it.each([
    '',
    'a/b/c',
    '../evil',
    'owner/..',
    '/model',
    'owner/mo del',
    'owner/model\n',
    'a--b/c',
    'C:\\model',
  ])('refuses the id %j', async (id) => {
    await expect(downloadModel(id)).rejects.toThrow(/the name of a model must be like owner\/name, got /);
  });

  it.each(['', '../../evil', 'a//b', '/main'])('refuses the revision %j', async (revision) => {
    await expect(download({ revision })).rejects.toThrow(/the revision must be a branch, tag or commit/);
  });

  it('refuses files out of the repository, and an endpoint that is no address', async () => {
    await expect(download({ files: ['../x'] })).rejects.toThrow(
      /a file must be a path in the repository, got "\.\.\/x"/,
    );
    process.env.HF_ENDPOINT = 'huggingface.co';
    await expect(download()).rejects.toThrow(
      /HF_ENDPOINT must be an address like https:\/\/huggingface\.co, got "huggingface\.co"/,
    );
  });
});

describe('downloadSize', () => {
  it('tells what a model takes and what of it is missing, and downloads nothing', async () => {
    await start();
    const totalBytes = needed.reduce((sum, name) => sum + model[name as keyof typeof model].length, 0);
    expect(await downloadSize('owner/model')).toEqual({ totalBytes, missingBytes: totalBytes });
    expect(existsSync(modelFolder())).toBe(false);
    await download();
    expect(await downloadSize('owner/model')).toEqual({ totalBytes, missingBytes: 0 });
    await rm(weightsBlob());
    expect(await downloadSize('owner/model')).toEqual({ totalBytes, missingBytes: weights.length });
    await writeFile(`${weightsBlob()}.incomplete`, weights.subarray(0, 1000));
    expect(await downloadSize('owner/model')).toEqual({ totalBytes, missingBytes: weights.length - 1000 });
  });

  it('does not ask the network where it must not', async () => {
    process.env.HF_ENDPOINT = await refusedUrl();
    process.env.HF_HUB_OFFLINE = '1';
    expect(await downloadSize('owner/model')).toEqual({ totalBytes: 0, missingBytes: 0 });
  });
});
