import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { after, describe, it } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { RequestHeaders, type ResponseHeaders } from '../base/headers.js';
import { Close } from '../codec/codec.js';
import { Store } from '../observe/store.js';
import { decode } from '../xds/decode.js';
import { ClusterManagerImpl } from './cluster-manager.js';
import { NodeDnsResolver } from './discovery/dns.js';
import { defaultTransport } from './pool/default-transport.js';
import { ANY_HOST, FakeRequest } from './test-kit.js';

const dispatcher = new Dispatcher();
const open: (() => void)[] = [];
after(() => {
  for (const close of open) close();
  dispatcher.timers.stop();
});

function manager() {
  const store = new Store();
  const made = new ClusterManagerImpl(dispatcher, {
    statStore: store,
    dns: new NodeDnsResolver(dispatcher),
    transport: (config, scope) => defaultTransport(dispatcher, config, scope),
  });
  open.push(() => {
    for (const client of [...made.connections()]) client.connection.close(Close.NO_FLUSH, '');
    made.shutdown();
  });
  const stats = () => {
    const numbers = store.collect().numbers.filter((s) => s.value !== 0 && /^cluster\.up\.upstream/.test(s.name));
    return Object.fromEntries(numbers.map((s) => [s.name.slice('cluster.up.upstream_'.length), s.value]));
  };
  return { made, stats };
}

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function config(port: number, http2Options: boolean, more: object = {}, address = '127.0.0.1') {
  const socket_address = { address, port_value: port };
  return decode('Cluster', {
    name: 'up',
    load_assignment: {
      cluster_name: 'up',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }],
    },
    ...(http2Options
      ? {
          typed_extension_protocol_options: {
            [OPTIONS]: {
              '@type': `type.googleapis.com/${OPTIONS}`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        }
      : {}),
    ...more,
  });
}

/** A GET that is sent when the pool is ready; resolves with the status, the failure or the reset. */
class Get extends FakeRequest {
  status = 0;
  body = '';
  private settle: (outcome: string) => void = () => {};
  readonly outcome = new Promise<string>((resolve) => {
    this.settle = resolve;
  });

  override onPoolReady(...args: Parameters<FakeRequest['onPoolReady']>): void {
    super.onPoolReady(...args);
    const headers = new RequestHeaders();
    headers.method = 'GET';
    headers.path = '/';
    headers.authority = 'a.test';
    headers.scheme = 'http';
    args[0].encodeHeaders(headers, true);
  }
  override onPoolFailure(...args: Parameters<FakeRequest['onPoolFailure']>): void {
    super.onPoolFailure(...args);
    this.settle(`${args[0]}: ${args[1]}`);
  }
  override onReset(...args: Parameters<FakeRequest['onReset']>): void {
    super.onReset(...args);
    this.settle(args[0]);
  }
  override decodeHeaders(headers?: ResponseHeaders, endStream?: boolean): void {
    this.status = headers!.status;
    if (endStream) this.settle(String(this.status));
  }
  override decodeData(data?: Uint8Array, endStream?: boolean): void {
    this.body += Buffer.from(data!).toString();
    if (endStream) this.settle(`${this.status} ${this.body}`);
  }
}

function get(clusters: ClusterManagerImpl): Get {
  const request = new Get();
  dispatcher.enter();
  const up = clusters.get('up')!;
  const host = up.chooseHost(ANY_HOST, 0)!;
  request.handle = up.pool(host, 0, 'HTTP/1.1')!.newStream(request, request);
  dispatcher.leave();
  return request;
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

const http1Server = (answer: string, end = false) =>
  net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => (end ? socket.end(answer) : socket.write(answer)));
  });

function http2Server(): http2.Http2Server {
  return http2.createServer((_request, response) => {
    response.end('hello');
  });
}

describe('over loopback', () => {
  it('asks an HTTP/1 server twice on one connection', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'));
    made.add(config(port, false));
    assert.equal(await get(made).outcome, '200 hello');
    assert.equal(await get(made).outcome, '200 hello');
    const { cx_rx_bytes_total: rx, cx_tx_bytes_total: tx, ...rest } = stats();
    assert.ok(rx > 80 && tx > 60);
    assert.deepEqual(rest, { cx_active: 1, cx_http1_total: 1, cx_total: 1, rq_pending_total: 1, rq_total: 2 });
  });

  it('closes after a response with connection: close', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'));
    made.add(config(port, false));
    assert.equal(await get(made).outcome, '200');
    const { cx_active, cx_close_notify, cx_destroy_local, cx_destroy_with_active_rq } = stats();
    assert.deepEqual(
      [cx_active, cx_close_notify, cx_destroy_local, cx_destroy_with_active_rq],
      [undefined, 1, 1, undefined],
    );
  });

  it('takes the end of a response without length from the close', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('HTTP/1.1 200 OK\r\n\r\nhello', true));
    made.add(config(port, false));
    assert.equal(await get(made).outcome, '200 hello');
    const { cx_destroy_remote, cx_destroy_with_active_rq, cx_protocol_error } = stats();
    assert.deepEqual([cx_destroy_remote, cx_destroy_with_active_rq, cx_protocol_error], [1, undefined, undefined]);
  });

  it('calls a response that is cut short a protocol error', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', true));
    made.add(config(port, false));
    assert.equal(await get(made).outcome, 'protocol error');
    const { cx_destroy_remote_with_active_rq, cx_protocol_error } = stats();
    assert.deepEqual([cx_destroy_remote_with_active_rq, cx_protocol_error], [1, 1]);
  });

  it('calls a close before the response a termination', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('', true));
    made.add(config(port, false));
    assert.equal(await get(made).outcome, 'connection termination');
    const { cx_destroy_remote_with_active_rq, cx_protocol_error } = stats();
    assert.deepEqual([cx_destroy_remote_with_active_rq, cx_protocol_error], [1, undefined]);
  });

  it('closes an HTTP/1 connection whose request is reset, also from within a response callback', async () => {
    const { made, stats } = manager();
    const port = await listen(http1Server('HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno'));
    made.add(config(port, false));
    const request = get(made);
    await new Promise<void>((resolve) => {
      request.decodeHeaders = () => {
        request.encoder!.resetStream('local reset');
        resolve();
      };
    });
    const { cx_active, cx_destroy_local_with_active_rq, rq_active } = stats();
    assert.deepEqual([cx_active, cx_destroy_local_with_active_rq, rq_active], [undefined, 1, undefined]);
  });

  it('names the reason when the connect is refused', async () => {
    const { made, stats } = manager();
    const server = http1Server('');
    const port = await listen(server);
    server.close();
    for (const h2 of [false, true]) {
      made.add(config(port, h2));
      assert.equal(await get(made).outcome, 'remote-connection-failure: delayed connect error: Connection refused');
    }
    assert.equal(stats().cx_connect_fail, 2);
    assert.equal(stats().cx_destroy_remote, 2);
  });

  it('carries requests to an HTTP/2 server on one connection', async () => {
    const { made, stats } = manager();
    made.add(config(await listen(http2Server()), true));
    const requests = Array.from({ length: 20 }, () => get(made));
    for (const request of requests) assert.equal(await request.outcome, '200 hello');
    const { cx_rx_bytes_total: rx, cx_tx_bytes_total: tx, ...rest } = stats();
    assert.ok(rx > 0 && tx > 0);
    assert.deepEqual(rest, { cx_active: 1, cx_http2_total: 1, cx_total: 1, rq_pending_total: 20, rq_total: 20 });
  });

  it('ends streams when an HTTP/2 server goes away', async () => {
    const { made, stats } = manager();
    const server = http2.createServer();
    server.on('stream', (stream) => stream.session!.destroy());
    made.add(config(await listen(server), true));
    assert.equal(await get(made).outcome, 'connection termination');
    assert.equal(stats().cx_destroy_remote, 1);
    assert.equal(stats().rq_active, undefined);
  });

  it('resolves a name that the system knows', async () => {
    const { made } = manager();
    const port = await listen(http1Server('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    made.add(config(port, false, { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' }, 'localhost'));
    await new Promise<void>((resolve) => made.whenReady(resolve));
    assert.equal(await get(made).outcome, '200');
  });
});
