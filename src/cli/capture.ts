import { connect, createServer } from 'node:net';
import { native } from '../network/native.js';
import { originalDestination } from '../network/original-destination.js';
import { ownAddress } from '../server/listener.js';
import type { CaptureMode, LoadOptions } from '../server/load.js';

const INBOUND_PORT = 15006;
/** Where istio-iptables' own check of the rules connects to: on loopback, and never to the application. */
const PROBE = { host: '127.0.0.6', port: 15002 };
const PROBE_MS = 1000;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;

/**
 * `halfopen run --capture`: connections that redirect rules send to 15001 and 15006 are taken. Where that cannot work it says why and
 * leaves `load` as it is: the listeners then stand on explicit ports.
 */
export async function captureConnections(
  load: LoadOptions,
  env: NodeJS.ProcessEnv,
  say: (text: string) => void,
): Promise<void> {
  const mode: CaptureMode = env['ISTIO_META_INTERCEPTION_MODE'] === 'TPROXY' ? 'tproxy' : 'redirect';
  const obstacle = native === null ? 'it needs Linux and the optional package koffi' : await obstacleTo(mode);
  if (obstacle !== null) {
    say(`connections are not captured: ${obstacle}; listeners stand on explicit ports`);
    return;
  }
  const ip = env['INSTANCE_IP'] || ownAddress();
  const namespace = env['POD_NAMESPACE'];
  load.capture = mode;
  load.translate = {
    ...load.translate,
    interception: true,
    proxyIp: ip,
    ...(namespace !== undefined && namespace !== '' && { proxyNamespace: namespace }),
  };
  say(`captures connections (${mode}) as the proxy of ${ip}`);
}

function obstacleTo(mode: CaptureMode): Promise<string | null> {
  return mode === 'tproxy' ? obstacleToTransparency() : obstacleToRedirection();
}

/** Whether IP_TRANSPARENT may be set. */
function obstacleToTransparency(): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.message));
    server.listen(0, '127.0.0.1', () => {
      const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
      const on = Buffer.alloc(4);
      on.writeInt32LE(1);
      const errno = native!.setOption(fd, SOL_IP, IP_TRANSPARENT, on);
      server.close();
      resolve(errno === 0 ? null : `transparent sockets need the capability NET_ADMIN (errno ${errno})`);
    });
  });
}

/**
 * Whether this process's connections meet the rules: one to a port where nothing listens must come to the inbound port, its
 * destination known.
 */
function obstacleToRedirection(): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
      const found = originalDestination(fd, socket.localAddress ?? '', socket.localPort ?? 0);
      socket.destroy();
      done(
        found?.port === PROBE.port
          ? null
          : 'the kernel does not tell the original destination of a redirected connection',
      );
    });
    const done = (obstacle: string | null) => {
      server.close();
      resolve(obstacle);
    };
    server.once('error', (error) => resolve(error.message));
    server.listen(INBOUND_PORT, '0.0.0.0', () => {
      const probe = connect({ ...PROBE, timeout: PROBE_MS });
      const missing = () => {
        probe.destroy();
        done(
          'no redirect rule takes the connections of this process (run `halfopen redirect --apply` in the pod, and this as user 1337)',
        );
      };
      probe.once('error', missing);
      probe.once('timeout', missing);
      probe.once('connect', () => {
        probe.removeListener('error', missing);
        probe.on('error', () => {});
        probe.once('close', () => probe.destroy());
        probe.resume();
      });
    });
  });
}
