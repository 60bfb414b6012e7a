import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server on this computer, for the time of one test. */
export interface LocalServer {
  /** http://127.0.0.1:port */
  url: string;
  /** What was asked for, in order: `GET /path`. */
  requests: string[];
  /** Connections are refused from now on, and open ones end. */
  leave(): Promise<void>;
  /** Answers again, at the same address. */
  comeBack(): Promise<void>;
}

/** Starts a server that answers with `handler`; it is closed, open connections too, when the test ends. */
export async function startServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LocalServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const leave = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  onTestFinished(leave);
  return { url: `http://127.0.0.1:${port}`, requests, leave, comeBack: () => listen(port) };
}

/** An address on this computer where nothing listens: connections are refused at once. */
export async function refusedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}
