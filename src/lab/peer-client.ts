/**
 * The caller of the field report: steady HTTP/1.1 requests through the proxy with a deadline of its own, each result reported to
 * the parent. GETs, uploads of 64 KiB, and on command one upload too large for any buffer on the way.
 */
import http from 'node:http';
import { Pace } from './pace.js';

export interface ClientOptions {
  port: number;
  host: string;
  authority: string;
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

export type ClientCommand = { upload: number } | 'stop';

const options = JSON.parse(process.argv[2]) as ClientOptions;
const pace = new Pace();
const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const chunk = Buffer.alloc(64 * 1024, 'u');

function request(kind: ClientResult['kind'], bytes: number): void {
  const start = Date.now();
  let over = false;
  const finish = (status: number, body: string) => {
    if (over) return;
    over = true;
    cancel();
    process.send?.({ kind, start, end: Date.now(), status, body } satisfies ClientResult);
  };
  const call = http.request(
    {
      host: options.host,
      port: options.port,
      agent,
      method: kind === 'GET' ? 'GET' : 'POST',
      path: `/${kind.toLowerCase()}`,
      headers: { host: options.authority, ...(kind === 'GET' ? {} : { 'content-length': bytes }) },
    },
    (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => finish(response.statusCode ?? 0, body));
      response.on('error', () => finish(response.statusCode ?? 0, body));
    },
  );
  const cancel = pace.after(options.deadline, () => {
    finish(0, 'the caller gave up');
    call.destroy();
  });
  call.on('error', (error) => finish(0, error.message));
  if (kind === 'GET') call.end();
  else upload(call, bytes, () => over);
}

function upload(call: http.ClientRequest, bytes: number, over: () => boolean): void {
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
process.on('message', (command: ClientCommand) => {
  if (command === 'stop') process.exit(0);
  request('UPLOAD', command.upload);
});
process.on('disconnect', () => process.exit(0));
