/** tslab's server with what Jupyter expects of one: a status that is true, and an answer to every request. */
import { LANGUAGE_INFO } from './language.js';
import { inspect as tslabInspect, jupyter } from './tslab.js';

/** @typedef {{ header: { msg_type: string }, content: any, createReply(): Message, signAndSend(key: string, socket: unknown): void }} Message */

/** What tslab's server answers. */
const KNOWN = new Set([
  'kernel_info_request',
  'execute_request',
  'is_complete_request',
  'inspect_request',
  'complete_request',
  'comm_info_request',
  'shutdown_request',
]);
/** What the rest is answered with; messages of widgets, which this kernel has none of, want no answer. */
const OTHER_REPLIES = {
  history_request: { msg_type: 'history_reply', content: { status: 'ok', history: [] } },
};
const DELIMITER = '<IDS|MSG>';

const Base = /** @type {new (handler: object, configPath: string) => any} */ (
  /** @type {unknown} */ (jupyter.ZmqServer)
);

export class CellServer extends Base {
  #cells;
  /** @type {any} */
  #publisher;
  /** @type {Message | undefined} the request of the cell that runs */
  #running;
  /** @type {{ fromRaw(key: string, raw: Buffer[]): Message } | undefined} tslab's class, which it does not export */
  #messages;

  /**
   * @param {import('./cells.js').Cells} cells
   * @param {string} configPath Jupyter's connection file
   */
  constructor(cells, configPath) {
    super(handlerOf(cells), configPath);
    this.#cells = cells;
  }

  get iopub() {
    return this.#publisher;
  }

  set iopub(socket) {
    // Otherwise the 513th message that is sent without a pause is refused, and each one after it.
    socket.sendTimeout = 0;
    socket.sendHighWaterMark = 0;
    this.#publisher = socket;
  }

  /** @param {unknown} socket @param {Buffer[]} raw */
  async handleShellMessage(socket, ...raw) {
    const delimiter = raw.findIndex((part) => part.toString() === DELIMITER);
    const type = JSON.parse(String(raw[delimiter + 2] ?? '{}')).msg_type;
    if (KNOWN.has(type)) return super.handleShellMessage(socket, ...raw);
    const message = this.#messages?.fromRaw(this.connInfo.key, raw);
    if (message === undefined) return undefined;
    this.publishStatus('busy', message);
    const answer = OTHER_REPLIES[/** @type {keyof typeof OTHER_REPLIES} */ (type)];
    if (answer) this.#reply(socket, message, answer.msg_type, answer.content);
    this.publishStatus('idle', message);
  }

  /**
   * Cells say themselves when they begin and end; a request that is answered meanwhile ends with the kernel still busy.
   * @param {string} status
   * @param {Message} request
   */
  publishStatus(status, request) {
    this.#messages ??= /** @type {any} */ (request.constructor);
    if (request.header.msg_type === 'execute_request') return;
    super.publishStatus(status, request);
    if (status === 'idle' && this.#running) super.publishStatus('busy', this.#running);
  }

  /** @param {unknown} socket @param {Message} request */
  async handleExecute(socket, request) {
    const begin = () => {
      this.#running = request;
      super.publishStatus('busy', request);
      return (/** @type {string} */ type, /** @type {object} */ content) =>
        this.#reply(this.iopub, request, type, content);
    };
    const content = await this.#cells.run(request.content, begin);
    this.#running = undefined;
    this.#reply(socket, request, 'execute_reply', content);
    super.publishStatus('idle', request);
  }

  /** @param {unknown} socket @param {Message} request */
  handleCommInfoRequest(socket, request) {
    this.#reply(socket, request, 'comm_info_reply', { status: 'ok', comms: {} });
  }

  /** @param {unknown} socket @param {Message} request @param {string} type @param {object} content */
  #reply(socket, request, type, content) {
    const reply = request.createReply();
    reply.header.msg_type = type;
    reply.content = content;
    reply.signAndSend(this.connInfo.key, socket);
  }
}

/**
 * What tslab's server asks.
 * @param {import('./cells.js').Cells} cells
 */
function handlerOf(cells) {
  // Its answers ask the executor and print nothing; cells themselves do not go this way.
  const tslab = new jupyter.JupyterHandlerImpl(/** @type {any} */ (cells), false);
  return {
    handleKernel: () => ({ ...tslab.handleKernel(), language_info: LANGUAGE_INFO }),
    handleIsComplete: (/** @type {any} */ request) => tslab.handleIsComplete(request),
    handleComplete: (/** @type {any} */ request) => tslab.handleComplete(request),
    handleInspect: (/** @type {{ code: string, cursor_pos: number }} */ { code, cursor_pos: position }) => {
      const info = cells.inspect(code, position);
      const data = info ? { 'text/plain': tslabInspect.printQuickInfo(info) } : {};
      return { status: 'ok', found: info != null, data, metadata: {} };
    },
    handleShutdown: (/** @type {any} */ request) => tslab.handleShutdown(request),
    close: () => cells.close(),
  };
}
