import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlainObject } from '../config/plain.js';
import type { Access } from './access.js';

interface Stored {
  path: string;
  object: PlainObject;
}

interface Watching {
  path: string;
  response: ServerResponse;
}

/**
 * An API server for tests: collections by path, lists in pages, watches, and the failures of the real one. Objects are stored under
 * the path of their namespaced collection and also seen in the one of all namespaces.
 */
export class FakeApi {
  private readonly server: Server;
  private version = 100;
  private oldest = 0;
  private readonly stored = new Map<string, Stored>();
  private readonly history: { version: number; path: string; event: PlainObject }[] = [];
  private readonly watching = new Set<Watching>();
  /** Groups and what they serve: `networking.istio.io/v1` -> plurals. */
  readonly groups = new Map<string, string[]>();
  /** Answers for collections instead of the true ones: path -> status. */
  readonly failures = new Map<string, number>();
  readonly requests: string[] = [];
  /** Objects in one page, whatever was asked for. */
  page = 500;
  /** Told after every request. */
  onRequest: () => void = () => {};

  constructor() {
    this.server = createServer((request, response) => this.handle(request, response));
  }

  async start(port = 0): Promise<Access> {
    await new Promise<void>((done) => this.server.listen(port, '127.0.0.1', done));
    return {
      server: new URL(`http://127.0.0.1:${this.port}`),
      description: 'a test',
      namespace: 'default',
      options: async () => ({ headers: { authorization: 'Bearer token' } }),
    };
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  /** Ends every connection, in the middle of whatever it carries. */
  cut(): void {
    this.watching.clear();
    this.server.closeAllConnections();
  }

  /** Forgets what happened: watches from before are answered 410. */
  compact(): void {
    this.oldest = this.version;
    this.history.length = 0;
  }

  /** Makes or changes an object of the collection at `path` (`/api/v1/namespaces/a/services`). */
  put(path: string, name: string, body: PlainObject = {}): void {
    const key = `${path}/${name}`;
    const namespace = /namespaces\/([^/]+)/.exec(path)?.[1] ?? '';
    this.version++;
    const metadata = { name, namespace, ...(body.metadata as PlainObject), resourceVersion: String(this.version) };
    const object = { ...body, metadata };
    this.tell(path, this.stored.has(key) ? 'MODIFIED' : 'ADDED', object);
    this.stored.set(key, { path, object });
  }

  delete(path: string, name: string, silently = false): void {
    const key = `${path}/${name}`;
    const { object } = this.stored.get(key)!;
    this.stored.delete(key);
    this.version++;
    const metadata = { ...(object.metadata as PlainObject), resourceVersion: String(this.version) };
    if (!silently) this.tell(path, 'DELETED', { ...object, metadata });
  }

  /** A bookmark on every watch of a collection. */
  bookmark(path: string): void {
    this.version++;
    const object = { metadata: { resourceVersion: String(this.version) } };
    for (const one of this.watching)
      if (one.path === path) one.response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** Ends every watch as the server does when its time is over, or with an ERROR event. */
  endWatches(error: PlainObject | null = null): void {
    for (const { response } of this.watching)
      response.end(error === null ? '' : `${JSON.stringify({ type: 'ERROR', object: error })}\n`);
    this.watching.clear();
  }

  private tell(path: string, type: string, object: PlainObject): void {
    const event = { type, object };
    this.history.push({ version: this.version, path, event });
    for (const one of this.watching) if (covers(one.path, path)) this.write(one.response, event);
  }

  /** In two pieces, so that lines are cut anywhere. */
  private write(response: ServerResponse, event: PlainObject): void {
    const line = `${JSON.stringify(event)}\n`;
    response.write(line.slice(0, 20));
    response.write(line.slice(20));
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.url!);
    const url = new URL(request.url!, 'http://fake');
    const status = this.failures.get(url.pathname) ?? 200;
    if (status !== 200) this.fail(response, status);
    else if (/^\/apis\/[^/]+(\/[^/]+)?$/.test(url.pathname))
      this.discover(url.pathname.slice('/apis/'.length), response);
    else if (url.searchParams.get('watch') === '1') this.watch(url, response);
    else this.list(url, response);
    this.onRequest();
  }

  private fail(response: ServerResponse, code: number): void {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', code, message: `the answer is ${code}` }));
  }

  private discover(name: string, response: ServerResponse): void {
    const versions = [...this.groups.keys()].filter((one) => one.startsWith(`${name}/`));
    const plurals = this.groups.get(name);
    if (plurals !== undefined) response.end(JSON.stringify({ resources: plurals.map((plural) => ({ name: plural })) }));
    else if (versions.length > 0)
      response.end(JSON.stringify({ versions: versions.map((one) => ({ version: one.slice(name.length + 1) })) }));
    else this.fail(response, 404);
  }

  private list(url: URL, response: ServerResponse): void {
    const all = [...this.stored.values()].filter(({ path }) => covers(url.pathname, path)).map(({ object }) => object);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const next = from + this.page < all.length ? String(from + this.page) : '';
    const metadata = { resourceVersion: String(this.version), continue: next };
    response.end(JSON.stringify({ kind: 'AnyList', metadata, items: all.slice(from, from + this.page) }));
  }

  private watch(url: URL, response: ServerResponse): void {
    const since = Number(url.searchParams.get('resourceVersion'));
    if (since < this.oldest) {
      this.fail(response, 410);
      return;
    }
    const one = { path: url.pathname, response };
    this.watching.add(one);
    response.on('close', () => this.watching.delete(one));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const { version, path, event } of this.history)
      if (version > since && covers(url.pathname, path)) this.write(response, event);
  }
}

/** Whether the collection at `asked` holds objects of the one at `path`. */
function covers(asked: string, path: string): boolean {
  return asked === path || asked === path.replace(/\/namespaces\/[^/]+/, '');
}
