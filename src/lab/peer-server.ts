/**
 * The server of the field report: HTTP/2 without TLS, answers everything with 200. Without root it stands in for a server that lost
 * its network: told to `freeze`, it stops reading and writing the connections it has (TCP stays ESTABLISHED, the caller's Send-Q
 * fills), and new ones as well unless told `replace`: then new connections are served and the old ones stay dead, as after a
 * server was restarted on the same address.
 */
import http2 from 'node:http2';
import net from 'node:net';

export type ServerCommand = 'freeze' | 'replace' | 'thaw';

const WINDOW = 16 * 1024 * 1024;

/** A connection with the HTTP/2 server behind it in this process, so that it can be cut off from it. */
class Relay {
  private frozen = false;

  constructor(
    private readonly front: net.Socket,
    private readonly back: net.Socket,
  ) {
    for (const [socket, other] of [
      [front, back],
      [back, front],
    ]) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    this.thaw();
  }

  freeze(): void {
    if (this.frozen) return;
    this.frozen = true;
    this.front.unpipe(this.back);
    this.back.unpipe(this.front);
    this.front.pause();
    this.back.pause();
  }

  thaw(): void {
    this.frozen = false;
    this.front.pipe(this.back);
    this.back.pipe(this.front);
  }
}

async function main(): Promise<void> {
  const host = process.argv[2] ?? '127.0.0.1';
  const relays = new Set<Relay>();
  let frozenForNew = false;
  const inner = http2.createServer({ settings: { initialWindowSize: WINDOW, maxConcurrentStreams: 1000 } });
  inner.on('session', (session) => {
    session.setLocalWindowSize(WINDOW);
    session.on('error', () => {});
  });
  inner.on('sessionError', () => {});
  inner.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    stream.on('end', () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'text/plain' });
      stream.end('ok\n');
    });
  });
  await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve));
  const innerPort = (inner.address() as net.AddressInfo).port;
  const outer = net.createServer((front) => {
    const relay = new Relay(front, net.connect(innerPort, '127.0.0.1'));
    relays.add(relay);
    front.on('close', () => relays.delete(relay));
    if (frozenForNew) relay.freeze();
  });
  await new Promise<void>((resolve) => outer.listen(0, host, resolve));
  process.on('message', (command: ServerCommand) => {
    if (command === 'freeze') {
      frozenForNew = true;
      for (const relay of relays) relay.freeze();
    } else if (command === 'replace') frozenForNew = false;
    else {
      frozenForNew = false;
      for (const relay of relays) relay.thaw();
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port: (outer.address() as net.AddressInfo).port });
}

void main();
