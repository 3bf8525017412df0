import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';

/**
 * The server of the lab: HTTP/1.1 or HTTP/2 without TLS, answers everything with 200. What it is told:
 *
 * - `freeze`: stops reading and writing the connections it has and those to come (TCP stays ESTABLISHED, the caller's Send-Q
 *   fills): stands for a cut cable where there is no root to cut one. `thaw` ends it.
 * - `replace`: new connections are served, the old ones stay frozen, as when another machine takes over the address.
 * - `forget`: resets the frozen connections and serves again, as a machine does that was without power.
 * - `mute`: reads everything and answers nothing; `unmute` ends it for new requests.
 * - `crash`: resets its connections (which nobody learns when the cable is cut) and ends.
 */
export type ServerCommand = 'freeze' | 'replace' | 'thaw' | 'forget' | 'mute' | 'unmute' | 'crash';

export interface ServerOptions {
  host: string;
  /** 0: any. */
  port: number;
  protocol: 'http1' | 'http2';
}

const WINDOW = 16 * 1024 * 1024;

/** A connection with the HTTP server behind it in this process, so that it can be cut off from it. */
class Relay {
  private frozen = false;

  constructor(
    readonly front: net.Socket,
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

  reset(): void {
    this.front.resetAndDestroy();
  }
}

let muted = false;

function http2Server(): net.Server {
  const server = http2.createServer({ settings: { initialWindowSize: WINDOW, maxConcurrentStreams: 1000 } });
  server.on('session', (session) => {
    session.setLocalWindowSize(WINDOW);
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream) => {
    const answers = !muted;
    stream.on('error', () => {});
    stream.resume();
    stream.on('end', () => {
      if (stream.destroyed || !answers || muted) return;
      stream.respond({ ':status': 200, 'content-type': 'text/plain' });
      stream.end('ok\n');
    });
  });
  return server as unknown as net.Server;
}

function http1Server(): net.Server {
  const server = http.createServer((request, response) => {
    const answers = !muted;
    request.resume();
    request.on('error', () => {});
    request.on('end', () => {
      if (!answers || muted) return;
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('ok\n');
    });
  });
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return server as unknown as net.Server;
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2]) as ServerOptions;
  const relays = new Set<Relay>();
  let frozenForNew = false;
  const inner = options.protocol === 'http2' ? http2Server() : http1Server();
  await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve));
  const innerPort = (inner.address() as net.AddressInfo).port;
  const outer = net.createServer((front) => {
    const relay = new Relay(front, net.connect(innerPort, '127.0.0.1'));
    relays.add(relay);
    front.on('close', () => relays.delete(relay));
    if (frozenForNew) relay.freeze();
  });
  await new Promise<void>((resolve) => outer.listen(options.port, options.host, resolve));
  const commands: Record<ServerCommand, () => void> = {
    freeze: () => {
      frozenForNew = true;
      for (const relay of relays) relay.freeze();
    },
    replace: () => {
      frozenForNew = false;
    },
    thaw: () => {
      frozenForNew = false;
      for (const relay of relays) relay.thaw();
    },
    forget: () => {
      frozenForNew = false;
      for (const relay of relays) relay.reset();
    },
    mute: () => {
      muted = true;
    },
    unmute: () => {
      muted = false;
    },
    crash: () => {
      for (const relay of relays) relay.reset();
      process.exit(0);
    },
  };
  process.on('message', (command: ServerCommand) => commands[command]());
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port: (outer.address() as net.AddressInfo).port });
}

void main();
