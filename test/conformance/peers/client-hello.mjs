import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

/** The first flight of a TLS client that asks for `servername` ('' for none) and offers `alpn`. */
export function clientHello(servername = '', alpn = []) {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
        wire.destroy();
      },
    });
    wire.on('error', () => {});
    const socket = connect({ socket: wire, servername, ALPNProtocols: alpn.length > 0 ? alpn : undefined });
    socket.on('error', () => {});
  });
}
