import { type ClientRequest, type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { Agent, type RequestOptions, request as tlsRequest } from 'node:https';
import type { Dispatcher } from '../base/dispatcher.js';
import type { Access } from './access.js';

/** Receives an answer of the API server; called in passes of the dispatcher. */
export interface Receiver {
  onHead(status: number, headers: IncomingHttpHeaders): void;
  onText(text: string): void;
  /** Once, and last; not after `abort`. `error` null: the answer is complete. */
  onEnd(error: Error | null): void;
}

/** A request under way. */
export interface Call {
  /** Ends it without a word to the receiver. */
  abort(): void;
}

/** Idle time of a connection after which TCP asks the other end, ms; a peer that is gone is noticed within half a minute. */
const KEEPALIVE_MS = 15_000;

/** Reads from the API server. Connections are kept for later requests; a watch has one of its own. */
export class ApiClient {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 2 });

  constructor(
    readonly access: Access,
    private readonly dispatcher: Dispatcher,
  ) {}

  get(path: string, receiver: Receiver): Call {
    const call = new OpenCall(this.dispatcher, receiver);
    this.access.options().then(
      (options) => call.start(this.access.server, path, options, this.agent),
      (error: Error) => call.end(error),
    );
    return call;
  }

  close(): void {
    this.agent.destroy();
  }
}

class OpenCall implements Call {
  private over = false;
  private request: ClientRequest | null = null;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly receiver: Receiver,
  ) {}

  start(server: URL, path: string, options: RequestOptions, agent: Agent): void {
    if (this.over) return;
    const tls = server.protocol === 'https:';
    const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
    const headers = { accept: 'application/json', 'user-agent': 'halfopen', ...options.headers };
    try {
      const own = options.agent ?? (tls ? agent : undefined);
      this.request = tls
        ? tlsRequest(url, { ...options, headers, agent: own })
        : plainRequest(url, { headers, agent: own });
    } catch (error) {
      this.end(error as Error);
      return;
    }
    this.request.on('socket', (socket) => socket.setKeepAlive(true, KEEPALIVE_MS));
    this.request.on('error', (error) => this.end(error));
    this.request.on('response', (response) => {
      response.setEncoding('utf8');
      this.pass(() => this.receiver.onHead(response.statusCode ?? 0, response.headers));
      response.on('data', (text: string) => this.pass(() => this.receiver.onText(text)));
      response.on('error', (error) => this.end(error));
      response.on('end', () => this.end(null));
    });
    this.request.end();
  }

  abort(): void {
    this.over = true;
    this.request?.destroy();
  }

  end(error: Error | null): void {
    if (this.over) return;
    this.pass(() => {
      this.over = true;
      this.receiver.onEnd(error);
    });
  }

  private pass(call: () => void): void {
    if (this.over) return;
    this.dispatcher.enter();
    try {
      call();
    } finally {
      this.dispatcher.leave();
    }
  }
}
