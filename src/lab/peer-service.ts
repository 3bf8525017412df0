import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import { Pace } from './pace.js';

/**
 * The microservice of the lab in Node: for each request it makes one over HTTP/2 to the next hop, with a deadline of its own, and
 * answers what it got, or 500 with the reason when the call failed. The Go program (lab/go) does the same.
 */
export interface ServiceOptions {
  /** Where to listen. */
  host: string;
  port: number;
  /** The next hop. */
  target: { host: string; port: number; authority: string };
  /** Deadline of a call, ms. Starts with the call; the service answers 500 when it fires. */
  deadline: number;
}

const options = JSON.parse(process.argv[2]) as ServiceOptions;
const pace = new Pace();
let session: http2.ClientHttp2Session | null = null;

function connect(): http2.ClientHttp2Session {
  if (session !== null && !session.closed && !session.destroyed) return session;
  session = http2.connect(`http://${options.target.host}:${options.target.port}`);
  session.on('error', () => {});
  return session;
}

const server = http.createServer((request, response) => {
  let over = false;
  const finish = (status: number, body: string) => {
    if (over) return;
    over = true;
    cancel();
    if (!response.headersSent) response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(body);
  };
  const call = connect().request({
    ':method': request.method ?? 'GET',
    ':path': request.url ?? '/',
    ':authority': options.target.authority,
  });
  const cancel = pace.after(options.deadline, () => {
    finish(500, 'service: deadline exceeded');
    call.close(http2.constants.NGHTTP2_CANCEL);
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
  call.on('end', () => finish(status === 0 ? 500 : status, body));
  call.on('error', (error) => finish(500, `service: ${error.message}`));
  request.on('error', () => call.destroy());
  request.pipe(call);
});
server.requestTimeout = 0;
server.listen(options.port, options.host, () => {
  process.send?.({ port: (server.address() as net.AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
