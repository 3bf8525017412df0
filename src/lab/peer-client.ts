import http from 'node:http';
import http2 from 'node:http2';
import { Pace } from './pace.js';

/**
 * A caller of the lab: steady requests with a deadline of their own, each result reported to the parent. GETs, small uploads, and
 * on command one upload too large for any buffer on the way.
 */

export interface ClientOptions {
  host: string;
  port: number;
  authority: string;
  protocol: 'http1' | 'http2';
  getsPerSecond: number;
  postsPerSecond: number;
  /** Bytes of a small upload. */
  postBytes: number;
  /** The caller's own deadline, ms. */
  deadline: number;
}

/** One finished request. Times are ms since the epoch. */
export interface ClientResult {
  kind: 'GET' | 'POST' | 'UPLOAD';
  start: number;
  end: number;
  /** 0: no answer (deadline, connection lost). */
  status: number;
  body: string;
}

/** What a caller tells: a result, or how many calls are out and for how long the oldest of them, ms. */
export type ClientMessage = ClientResult | { outstanding: number; oldest: number };

export type ClientCommand = { upload: number };

/** A request under way: what to write its body to, and how to give it up. */
interface Call {
  write(chunk: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
  end(): void;
  destroy(): void;
}

type Answered = (status: number, body: string) => void;

const options = JSON.parse(process.argv[2]) as ClientOptions;
const pace = new Pace();
const chunk = Buffer.alloc(64 * 1024, 'u');
const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
let session: http2.ClientHttp2Session | null = null;
/** When each call that is out began, by number. */
const starts = new Map<number, number>();
let next = 0;

function open1(method: string, path: string, bytes: number, answered: Answered): Call {
  const headers = { host: options.authority, ...(method === 'GET' ? {} : { 'content-length': bytes }) };
  const call = http.request({ host: options.host, port: options.port, agent, method, path, headers }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text;
    });
    response.on('end', () => answered(response.statusCode ?? 0, body));
    response.on('error', () => answered(response.statusCode ?? 0, body));
  });
  call.on('error', (error) => answered(0, error.message));
  return call;
}

function open2(method: string, path: string, bytes: number, answered: Answered): Call {
  if (session === null || session.closed || session.destroyed) {
    session = http2.connect(`http://${options.host}:${options.port}`);
    session.on('error', () => {});
  }
  const call = session.request({
    ':method': method,
    ':path': path,
    ':authority': options.authority,
    ...(method === 'GET' ? {} : { 'content-length': bytes }),
  });
  let status = 0;
  let body = '';
  call.setEncoding('utf8');
  call.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  call.on('data', (text: string) => {
    body += text;
  });
  call.on('end', () => answered(status, body));
  call.on('close', () => answered(status, 'the stream was reset'));
  call.on('error', (error) => answered(status, error.message));
  return call;
}

function request(kind: ClientResult['kind'], bytes: number): void {
  const start = Date.now();
  const id = next++;
  starts.set(id, start);
  let over = false;
  const finish: Answered = (status, body) => {
    if (over) return;
    over = true;
    cancel();
    starts.delete(id);
    process.send?.({ kind, start, end: Date.now(), status, body } satisfies ClientMessage);
  };
  const open = options.protocol === 'http2' ? open2 : open1;
  const call = open(kind === 'GET' ? 'GET' : 'POST', `/${kind.toLowerCase()}`, bytes, finish);
  const cancel = pace.after(options.deadline, () => {
    finish(0, 'the caller gave up');
    call.destroy();
  });
  if (kind === 'GET') call.end();
  else upload(call, bytes, () => over);
}

function upload(call: Call, bytes: number, over: () => boolean): void {
  let left = bytes;
  const more = () => {
    while (left > 0 && !over()) {
      const part = left >= chunk.length ? chunk : chunk.subarray(0, left);
      left -= part.length;
      if (!call.write(part) && left > 0) {
        call.once('drain', more);
        return;
      }
    }
    if (!over()) call.end();
  };
  more();
}

if (options.getsPerSecond > 0) pace.every(1000 / options.getsPerSecond, () => request('GET', 0));
if (options.postsPerSecond > 0) pace.every(1000 / options.postsPerSecond, () => request('POST', options.postBytes));
pace.every(500, () => {
  const oldest = starts.size === 0 ? 0 : Date.now() - Math.min(...starts.values());
  process.send?.({ outstanding: starts.size, oldest } satisfies ClientMessage);
});
process.on('message', (command: ClientCommand) => request('UPLOAD', command.upload));
process.on('disconnect', () => process.exit(0));
