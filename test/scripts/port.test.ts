import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { requireFreePort } from '../../scripts/port.js';

/** A port on which this test listens. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('requireFreePort', () => {
  test.each([
    ['--port N', (port: number) => ['--no-browser', '--port', String(port)]],
    ['--port=N', (port: number) => [`--port=${port}`]],
    ['--ServerApp.port=N', (port: number) => [`--ServerApp.port=${port}`]],
  ])('names a port that is in use and proposes another (%s)', async (_, args) => {
    const port = await takenPort();
    await expect(requireFreePort(args(port))).rejects.toThrow(
      `Port ${port} is in use by another program. End that program, or take another port: npm start -- --port ${port + 1}`,
    );
  });

  test('accepts a free port, and arguments that name none', async () => {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(requireFreePort(['--port', String(port)])).resolves.toBeUndefined();
    await expect(requireFreePort(['--no-browser'])).resolves.toBeUndefined();
  });
});
