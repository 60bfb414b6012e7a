import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { downloadFile } from '../../lib/corpora/download.js';
import { refusedUrl, startServer } from '../local-server.js';
import { temporaryFolder } from '../temporary-folder.js';

const content = Buffer.from('the file\n'.repeat(20_000)); // 180,000 bytes: several chunks
const expected = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };

describe('downloadFile', () => {
  it('writes what the server gives, following redirects and making the folder', async () => {
    const server = await startServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/file' }).end();
      else response.end(content);
    });
    const folder = join(await temporaryFolder(), 'new');
    await downloadFile(`${server.url}/moved`, join(folder, 'file'), expected);
    expect(server.requests).toEqual(['GET /moved', 'GET /file']);
    expect((await readFile(join(folder, 'file'))).equals(content)).toBe(true);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('tries again when the connection breaks off', async () => {
    let answers = 0;
    const server = await startServer((_request, response) => {
      answers += 1;
      if (answers === 3) return response.end(content);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 70_000), () => response.destroy());
      return undefined;
    });
    const path = join(await temporaryFolder(), 'file');
    await downloadFile(server.url, path, expected);
    expect(answers).toBe(3);
    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it('gives up after three broken connections and leaves nothing behind', async () => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 70_000), () => response.destroy());
    });
    const folder = await temporaryFolder();
    await expect(downloadFile(server.url, join(folder, 'file'), expected)).rejects.toThrow(
      /cannot be read: terminated/,
    );
    expect(server.requests.length).toBe(3);
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses wrong bytes of the right length, at once and for good', async () => {
    const wrong = Buffer.from(content);
    wrong[100] ^= 1;
    const server = await startServer((_request, response) => response.end(wrong));
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'what was there');
    await expect(downloadFile(server.url, join(folder, 'file'), expected)).rejects.toThrow(
      `must give ${expected.bytes} bytes with SHA-256 ${expected.sha256}, got ${expected.bytes} with `,
    );
    expect(server.requests.length).toBe(1);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('what was there');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('refuses fewer bytes', async () => {
    const server = await startServer((_request, response) => response.end(content.subarray(0, 1000)));
    const path = join(await temporaryFolder(), 'file');
    await expect(downloadFile(server.url, path, expected)).rejects.toThrow(
      /must give 180000 bytes .*, got 1000 with/,
    );
  });

  it('stops a server that does not stop', async () => {
    let sent = 0;
    const server = await startServer((_request, response) => {
      const more = (): void => {
        sent += content.length;
        if (response.writable && sent < 2 ** 28) response.write(content, () => setImmediate(more));
        else response.end();
      };
      more();
    });
    const path = join(await temporaryFolder(), 'file');
    await expect(downloadFile(server.url, path, expected)).rejects.toThrow(
      /must give 180000 bytes, got more/,
    );
    expect(sent).toBeLessThan(2 ** 28);
  });

  it('gives up on a server that falls silent', async () => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
    });
    const path = join(await temporaryFolder(), 'file');
    await expect(downloadFile(server.url, path, { ...expected, silenceMs: 30 })).rejects.toThrow(
      /was silent for 0\.03 s/,
    );
  });

  it.each([403, 404, 500])('says that the server answered %i, without trying again', async (status) => {
    const server = await startServer((_request, response) => response.writeHead(status).end('no'));
    const path = join(await temporaryFolder(), 'file');
    await expect(downloadFile(server.url, path, expected)).rejects.toThrow(`answered ${status}`);
    expect(server.requests.length).toBe(1);
  });

  it('names the reason when there is no server', async () => {
    const path = join(await temporaryFolder(), 'file');
    await expect(downloadFile(await refusedUrl(), path, expected)).rejects.toThrow(
      /cannot be read: fetch failed \(.+\)/,
    );
  });

  it('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const server = await startServer((_request, response) => {
      response.write(content.subarray(0, 1000), () => stop.abort(new Error('stopped by the reader')));
    });
    const folder = await temporaryFolder();
    const download = downloadFile(server.url, join(folder, 'file'), { ...expected, signal: stop.signal });
    await expect(download).rejects.toThrow('stopped by the reader');
    expect(server.requests.length).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says when the file cannot be written', async () => {
    const server = await startServer((_request, response) => response.end(content));
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'file'));
    await writeFile(join(folder, 'file', 'in the way'), '');
    await expect(downloadFile(server.url, join(folder, 'file'), expected)).rejects.toThrow(
      /file cannot be written: /,
    );
    expect(await readdir(folder)).toEqual(['file']);
  });
});
