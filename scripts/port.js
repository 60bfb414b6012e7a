/**
 * The port that JupyterLab is asked to listen on.
 */
import { createServer } from 'node:net';
import { SetupError } from './setup/setup-error.js';

/**
 * The port named in Jupyter's arguments, if any.
 * @param {string[]} args
 * @returns {number | undefined}
 */
function portOf(args) {
  for (const [index, arg] of args.entries()) {
    const [name, value] = arg.split('=', 2);
    if (name !== '--port' && name !== '--ServerApp.port') continue;
    const port = Number(value ?? args[index + 1]);
    if (Number.isInteger(port) && port > 0) return port;
  }
  return undefined;
}

/**
 * Makes sure that the port in Jupyter's arguments, if any, can be had: Jupyter itself would take another without a word.
 * @param {string[]} args
 * @throws {SetupError} where another program listens on it
 */
export async function requireFreePort(args) {
  const port = portOf(args);
  if (port === undefined || !(await portInUse(port))) return;
  throw new SetupError(
    `Port ${port} is in use by another program.`,
    `End that program, or take another port: npm start -- --port ${port + 1}`,
  );
}

/**
 * Whether another program listens on `port` of this machine.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function portInUse(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      // A port that may not be opened is Jupyter's to complain of.
      else if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') resolve(false);
      else reject(error);
    });
    server.listen(port, 'localhost', () => server.close(() => resolve(false)));
  });
}
