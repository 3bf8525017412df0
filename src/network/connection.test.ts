import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { seededRandom } from '../base/random.js';
import { Close } from '../codec/codec.js';
import { addressText, type CloseEvent, type Connection, type ConnectionEvents, connectUpstream } from './connection.js';
import { ListenSocket } from './listener.js';
import { native } from './native.js';

/* Real sockets on loopback; the clock of the timers is moved by hand. */

class Recorder implements ConnectionEvents {
  connected = false;
  received = '';
  receivedBytes = 0;
  ends = 0;
  closed: CloseEvent | null = null;
  readonly marks: string[] = [];
  onBytes: (data: Buffer) => void = () => {};

  get isClosed(): boolean {
    return this.closed !== null;
  }

  onConnected(): void {
    this.connected = true;
  }
  onData(data: Buffer): void {
    this.receivedBytes += data.length;
    if (this.receivedBytes < 100_000) this.received += data.toString('latin1');
    this.onBytes(data);
  }
  onRemoteEnd(): void {
    this.ends++;
  }
  onClosed(event: CloseEvent): void {
    assert.equal(this.closed, null, 'a connection is closed once');
    this.closed = event;
  }
  onAboveHighWatermark(): void {
    this.marks.push('above');
  }
  onBelowLowWatermark(): void {
    this.marks.push('below');
  }
}

/** Waits for what the kernel and Node's loop bring about. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) assert.fail(`waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets whatever is on its way arrive: for things that must not happen. */
async function settle(): Promise<void> {
  const end = performance.now() + 30;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
}

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function loop() {
  const clock = { time: 1000 };
  const dispatcher = new Dispatcher({ monotonic: () => clock.time, wall: () => 0 }, seededRandom(1), true);
  const advance = (ms: number) => {
    clock.time += ms;
    dispatcher.timers.run();
  };
  const pass = (body: () => void) => {
    dispatcher.enter();
    body();
    dispatcher.leave();
  };
  return { dispatcher, advance, pass };
}

/** An accepted connection and the plain client at its other end. */
async function accepted() {
  const l = loop();
  let connection: Connection | null = null;
  const events = new Recorder();
  const listener = new ListenSocket(l.dispatcher, (made) => {
    connection = made;
    made.setEvents(events);
    made.start();
  });
  await listener.listen({ host: '127.0.0.1', port: 0, backlog: 10 });
  const client = net.connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  cleanUps.push(() => {
    listener.close();
    client.destroy();
    connection?.socket.destroy();
  });
  await until('the connection is accepted', () => connection !== null && !client.connecting);
  return { ...l, connection: connection as unknown as Connection, events, client };
}

/** A connection made from here, and the plain socket at its other end. */
async function outgoing() {
  const l = loop();
  let peer: net.Socket | null = null;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    peer = socket;
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const connection = connectUpstream(l.dispatcher, { host: '127.0.0.1', port });
  const events = new Recorder();
  connection.setEvents(events);
  cleanUps.push(() => {
    server.close();
    peer?.destroy();
    connection.socket.destroy();
  });
  await until('it is connected', () => events.connected && peer !== null);
  return { ...l, connection, events, peer: peer as unknown as net.Socket, port };
}

describe('an accepted connection', () => {
  it('reads what the client sends and answers it', async () => {
    const { connection, events, client, pass } = await accepted();
    let got = '';
    client.on('data', (data) => {
      got += data.toString('latin1');
    });
    client.write('ping');
    await until('the bytes are read', () => events.received === 'ping');
    pass(() => {
      connection.out.writeLatin1('pong');
      connection.markDirty();
    });
    await until('the answer is read', () => got === 'pong');
    assert.deepEqual([connection.rxBytes, connection.txBytes, connection.unsentBytes()], [4, 4, 0]);
  });

  it('knows both addresses', async () => {
    const { connection, client } = await accepted();
    assert.equal(connection.info.remoteAddress, `127.0.0.1:${client.localPort}`);
    assert.equal(connection.info.localAddress, `127.0.0.1:${client.remotePort}`);
  });

  it('carries more than its read buffer, and than a slab, without a byte changed', async () => {
    const { connection, events, client } = await accepted();
    const sent = Buffer.alloc(1_500_000);
    for (let i = 0; i < sent.length; i++) sent[i] = (i * 31 + (i >> 8)) & 255;
    events.onBytes = (data) => {
      connection.out.write(data);
      connection.markDirty();
    };
    const got: Buffer[] = [];
    let bytes = 0;
    client.on('data', (data: Buffer) => {
      got.push(data);
      bytes += data.length;
    });
    client.write(sent);
    await until('everything came back', () => bytes === sent.length);
    assert.ok(Buffer.concat(got).equals(sent));
  });

  it('writes once for all that was written in a pass', async () => {
    const { connection, pass } = await accepted();
    let writes = 0;
    const { _handle: handle } = connection.socket as unknown as {
      _handle: { writeBuffer(...args: unknown[]): number };
    };
    const write = handle.writeBuffer.bind(handle);
    handle.writeBuffer = (...args) => {
      writes++;
      return write(...args);
    };
    pass(() => {
      for (let i = 0; i < 50; i++) {
        connection.out.writeLatin1('part ');
        connection.markDirty();
      }
    });
    assert.equal(writes, 1);
  });

  it('tells of the FIN of the client and stays open: the owner decides', async () => {
    const { connection, events, client } = await accepted();
    client.end('last words');
    await until('the FIN is seen', () => events.ends === 1);
    assert.equal(events.received, 'last words');
    assert.equal(connection.open, true);
    assert.equal(events.isClosed, false);
  });

  it('tells of a reset by the client as a close that was not its own', async () => {
    const { events, client } = await accepted();
    client.resetAndDestroy();
    await until('it is closed', () => events.closed !== null);
    assert.equal(events.closed?.local, false);
    assert.equal(events.closed?.error?.code, 'ECONNRESET');
  });

  it('is closed when its owner throws at its bytes, and the defect is reported', async () => {
    const { dispatcher, connection, events, client } = await accepted();
    const errors: unknown[] = [];
    dispatcher.onError = (error) => errors.push(error);
    const defect = new Error('a defect');
    events.onBytes = () => {
      throw defect;
    };
    client.write('x');
    await until('it is closed', () => events.closed !== null);
    assert.deepEqual(errors, [defect]);
    assert.equal(connection.closed, true);
  });
});

describe('the reading of a connection', () => {
  it('stops while it is disabled, and goes on when every disable was undone', async () => {
    const { connection, events, client, pass } = await accepted();
    pass(() => {
      connection.readDisable(true);
      connection.readDisable(true);
    });
    client.write('held back');
    await settle();
    assert.equal(events.received, '');
    pass(() => connection.readDisable(false));
    await settle();
    assert.equal(events.received, '');
    pass(() => connection.readDisable(false));
    await until('the bytes come', () => events.received === 'held back');
  });

  it('that is off does not hide that the client has gone', {
    skip: native === null ? 'needs koffi on Linux' : false,
  }, async () => {
    const { connection, events, client, pass, advance } = await accepted();
    pass(() => connection.readDisable(true));
    await settle();
    advance(24);
    assert.equal(events.ends, 0);
    client.end();
    await settle();
    advance(24);
    assert.equal(events.ends, 1);
    advance(100);
    assert.equal(events.ends, 1);
  });
});

describe('the write watermarks', () => {
  it('are crossed when the peer does not read, and again when it does', async () => {
    const { connection, events, client, pass } = await accepted();
    connection.setBufferLimit(10_000);
    client.pause();
    // More than both kernels take.
    const big = Buffer.alloc(16 * 1024 * 1024, 'b');
    pass(() => {
      connection.out.write(big);
      connection.markDirty();
    });
    assert.deepEqual(events.marks, ['above']);
    assert.equal(connection.aboveHighWatermark(), true);
    assert.ok(connection.unsentBytes() > 10_000);
    let got = 0;
    client.on('data', (data: Buffer) => {
      got += data.length;
    });
    client.resume();
    await until('everything is read', () => got === big.length);
    await until('the low mark is reached', () => events.marks.length === 2);
    assert.deepEqual(events.marks, ['above', 'below']);
    assert.equal(connection.unsentBytes(), 0);
  });

  it('are crossed up and down by a write that the kernel takes at once, and never with a limit of 0', async () => {
    const { connection, events, client, pass } = await accepted();
    client.pause();
    connection.setBufferLimit(1000);
    pass(() => {
      connection.out.write(Buffer.alloc(1000));
      connection.markDirty();
    });
    assert.deepEqual(events.marks, []);
    pass(() => {
      connection.out.write(Buffer.alloc(20_000));
      connection.markDirty();
    });
    assert.deepEqual(events.marks.splice(0), ['above', 'below']);
    connection.setBufferLimit(0);
    pass(() => {
      connection.out.write(Buffer.alloc(16 * 1024 * 1024));
      connection.markDirty();
    });
    assert.deepEqual(events.marks, []);
  });
});

describe('closing a connection', () => {
  /** Everything the client sees until the end. */
  function watch(client: net.Socket) {
    const seen = { text: '', ended: false, error: '' };
    client.on('data', (data) => {
      seen.text += data.toString('latin1');
    });
    client.on('end', () => {
      seen.ended = true;
    });
    client.on('error', (error: NodeJS.ErrnoException) => {
      seen.error = error.code ?? '';
    });
    return seen;
  }

  it('with a flush sends what is written, then FIN', async () => {
    const { connection, events, client, pass } = await accepted();
    const seen = watch(client);
    pass(() => {
      connection.out.writeLatin1('goodbye');
      connection.markDirty();
      connection.close(Close.FLUSH, 'because');
    });
    await until('the client sees the end', () => seen.ended);
    assert.equal(seen.text, 'goodbye');
    assert.deepEqual([events.closed?.local, events.closed?.reason], [true, 'because']);
  });

  it('by abort resets it', async () => {
    const { connection, events, client, pass } = await accepted();
    const seen = watch(client);
    pass(() => connection.close(Close.ABORT, 'attack'));
    assert.equal(events.closed?.reason, 'attack');
    await until('the client sees the reset', () => seen.error === 'ECONNRESET');
  });

  it('with a delay waits for the client, and takes its close for the end', async () => {
    const { dispatcher, connection, events, client, pass, advance } = await accepted();
    connection.setDelayedCloseTimeout(1000, () => assert.fail('the timer does not fire'));
    const seen = watch(client);
    pass(() => {
      connection.out.writeLatin1('reply');
      connection.markDirty();
      connection.close(Close.FLUSH_AND_DELAY, 'drained');
    });
    await until('the client has the reply', () => seen.text === 'reply');
    assert.deepEqual([seen.ended, events.closed, connection.open], [false, null, false]);
    client.end();
    await until('it is closed', () => events.closed !== null);
    advance(24);
    assert.equal(dispatcher.timers.size, 0);
  });

  it('with a delay does not wait longer than the delay', async () => {
    const { connection, events, client, pass, advance } = await accepted();
    let fired = 0;
    connection.setDelayedCloseTimeout(1000, () => fired++);
    const seen = watch(client);
    pass(() => connection.close(Close.FLUSH_AND_DELAY, 'drained'));
    advance(996);
    assert.equal(events.isClosed, false);
    advance(8);
    assert.equal(fired, 1);
    assert.deepEqual([events.closed?.local, events.closed?.reason], [true, 'triggered_delayed_close_timeout']);
    await until('the client sees the end', () => seen.ended);
  });

  it('with a delay of 0 does not wait', async () => {
    const { connection, events, client, pass } = await accepted();
    connection.setDelayedCloseTimeout(0, null);
    const seen = watch(client);
    pass(() => connection.close(Close.FLUSH_AND_DELAY, 'drained'));
    assert.notEqual(events.closed, null);
    await until('the client sees the end', () => seen.ended);
  });

  it('gives up on a client that takes nothing of what is to be flushed', async () => {
    const { connection, events, client, pass, advance } = await accepted();
    connection.setDelayedCloseTimeout(1000, null);
    client.pause();
    pass(() => {
      connection.out.write(Buffer.alloc(16 * 1024 * 1024));
      connection.markDirty();
      connection.close(Close.FLUSH, 'too slow');
    });
    await settle();
    assert.equal(events.isClosed, false);
    advance(1004);
    assert.equal(events.closed?.reason, 'triggered_delayed_close_timeout');
  });

  it('passes on nothing that comes after it was decided, and resets for it in the end', async () => {
    const { connection, events, client, pass, advance } = await accepted();
    connection.setDelayedCloseTimeout(1000, null);
    const seen = watch(client);
    pass(() => connection.close(Close.FLUSH_AND_DELAY, 'drained'));
    client.write('the rest of an upload');
    await settle();
    assert.equal(events.received, '');
    advance(1004);
    await until('the client sees the reset', () => seen.error === 'ECONNRESET');
  });

  it('twice is closing once', async () => {
    const { connection, events, pass } = await accepted();
    pass(() => {
      connection.close(Close.NO_FLUSH, 'first');
      connection.close(Close.ABORT, 'second');
    });
    assert.equal(events.closed?.reason, 'first');
  });

  it('leaves no timer armed', async () => {
    const { dispatcher, connection, client, pass, advance } = await accepted();
    connection.setDelayedCloseTimeout(1000, () => assert.fail('the timer does not fire'));
    watch(client);
    pass(() => connection.close(Close.FLUSH_AND_DELAY, 'drained'));
    assert.ok(dispatcher.timers.size > 0);
    pass(() => connection.close(Close.NO_FLUSH, 'now'));
    advance(24);
    assert.equal(dispatcher.timers.size, 0);
  });
});

describe('an outgoing connection', () => {
  it('sends what was written before it was connected', async () => {
    const l = loop();
    let got = '';
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        got += data.toString('latin1');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connection = connectUpstream(l.dispatcher, {
      host: '127.0.0.1',
      port: (server.address() as net.AddressInfo).port,
    });
    cleanUps.push(() => {
      connection.socket.destroy();
      server.close();
    });
    connection.setEvents(new Recorder());
    l.pass(() => {
      connection.out.writeLatin1('preface');
      connection.markDirty();
    });
    await until('it arrives', () => got === 'preface');
  });

  it('knows its own address once it is connected', async () => {
    const { connection, peer, port } = await outgoing();
    assert.equal(connection.info.localAddress, `127.0.0.1:${peer.remotePort}`);
    assert.equal(connection.info.remoteAddress, `127.0.0.1:${port}`);
  });

  it('reads what the server sends, into the shared buffer', async () => {
    const { events, peer } = await outgoing();
    peer.write('hello');
    await until('it is read', () => events.received === 'hello');
  });

  it('tells of the FIN of the server', async () => {
    const { events, peer } = await outgoing();
    peer.end('bye');
    await until('the FIN is seen', () => events.ends === 1);
    assert.equal(events.received, 'bye');
  });

  it('that is refused is closed with the error, and was never connected', async () => {
    const { dispatcher } = loop();
    const free = net.createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as net.AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const connection = connectUpstream(dispatcher, { host: '127.0.0.1', port });
    const events = new Recorder();
    connection.setEvents(events);
    await until('it is closed', () => events.closed !== null);
    assert.deepEqual(
      [events.closed?.error?.code, events.closed?.connected, events.closed?.local],
      ['ECONNREFUSED', false, false],
    );
  });

  it('can be given up while it is connecting', async () => {
    const { dispatcher, pass } = loop();
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const connection = connectUpstream(dispatcher, { host: '127.0.0.1', port });
    const events = new Recorder();
    connection.setEvents(events);
    pass(() => connection.close(Close.NO_FLUSH, 'connect_timeout'));
    assert.deepEqual([events.closed?.connected, events.closed?.reason], [false, 'connect_timeout']);
    await settle();
    assert.equal(events.connected, false);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a listening socket', () => {
  it('cannot be bound to an address that is taken', async () => {
    const { dispatcher } = loop();
    const first = new ListenSocket(dispatcher, () => {});
    await first.listen({ host: '127.0.0.1', port: 0, backlog: 1 });
    const second = new ListenSocket(dispatcher, () => {});
    cleanUps.push(() => first.close());
    await assert.rejects(second.listen({ host: '127.0.0.1', port: first.port, backlog: 1 }), { code: 'EADDRINUSE' });
    second.close();
  });

  it('that is closed takes no new connection and keeps those it has', async () => {
    const { dispatcher } = loop();
    const made: Connection[] = [];
    const events = new Recorder();
    const listener = new ListenSocket(dispatcher, (connection) => {
      made.push(connection);
      connection.setEvents(events);
      connection.start();
    });
    await listener.listen({ host: '127.0.0.1', port: 0, backlog: 1 });
    const { port } = listener;
    const client = net.connect(port, '127.0.0.1');
    cleanUps.push(() => {
      client.destroy();
      for (const connection of made) connection.socket.destroy();
    });
    await until('it is accepted', () => made.length === 1);
    listener.close();
    const late = net.connect(port, '127.0.0.1');
    const [error] = await new Promise<[NodeJS.ErrnoException]>((resolve) =>
      late.once('error', (refused) => resolve([refused])),
    );
    assert.equal(error.code, 'ECONNREFUSED');
    client.write('still here');
    await until('it is read', () => events.received === 'still here');
  });
});

describe('the text of an address', () => {
  it('has brackets for IPv6, and none for IPv4 in IPv6', () => {
    assert.equal(addressText('10.0.0.1', 80), '10.0.0.1:80');
    assert.equal(addressText('::ffff:10.0.0.1', 80), '10.0.0.1:80');
    assert.equal(addressText('2001:db8::1', 80), '[2001:db8::1]:80');
    assert.equal(addressText(undefined, undefined), '');
  });
});
