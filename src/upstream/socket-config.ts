import { isIP } from 'node:net';
import type { SocketOptions } from '../network/connection.js';
import type * as xds from '../xds/types.js';
import { invalid, unsupported } from './refuse.js';

/** How a cluster's connections are opened. */
export interface ConnectSettings {
  /** upstream_bind_config.source_address. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** null when nothing is asked for. */
  readonly socketOptions: SocketOptions | null;
}

export function readConnectSettings(cluster: xds.Cluster): ConnectSettings {
  const { name } = cluster;
  const options = cluster.upstream_connection_options;
  if (options?.happy_eyeballs_config !== undefined)
    unsupported(options, 'happy_eyeballs_config', name, 'connecting to several addresses');
  const bind = cluster.upstream_bind_config;
  if (bind?.freebind) unsupported(bind, 'freebind', name, 'IP_FREEBIND');
  if (bind !== undefined && bind.extra_source_addresses.length > 0)
    unsupported(bind, 'extra_source_addresses', name, 'more than one source address');
  const source = bind?.source_address;
  if (source !== undefined && isIP(source.address) === 0)
    invalid(source, 'address', name, `malformed IP address: ${source.address}`);
  const raw = (bind?.socket_options ?? []).map((option) => readOption(option, name));
  const keepalive = readKeepalive(options?.tcp_keepalive);
  const wanted: SocketOptions = {};
  if (keepalive !== undefined) wanted.keepalive = keepalive;
  if (raw.length > 0) wanted.raw = raw;
  return {
    localAddress: source?.address,
    localPort: source?.port_value || undefined,
    socketOptions: keepalive === undefined && raw.length === 0 ? null : wanted,
  };
}

/** Unset fields are the system's; a field of 0 turns keepalive off, as in Envoy. */
function readKeepalive(given: xds.TcpKeepalive | undefined): SocketOptions['keepalive'] {
  if (given === undefined) return undefined;
  const { keepalive_time: idleSeconds, keepalive_interval: intervalSeconds, keepalive_probes: probes } = given;
  return idleSeconds === 0 || intervalSeconds === 0 || probes === 0
    ? undefined
    : { idleSeconds, intervalSeconds, probes };
}

function readOption(option: xds.SocketOption, name: string): { level: number; name: number; value: Buffer } {
  if (option.state === 'STATE_LISTENING')
    invalid(option, 'state', name, 'STATE_LISTENING has no meaning for an outgoing connection');
  if (option.type !== undefined) unsupported(option, 'type', name, 'an option for one kind of socket');
  if (option.ip_version !== 'SOCKET_IP_VERSION_UNSPECIFIED')
    unsupported(option, 'ip_version', name, 'an option for one IP version');
  let value: Buffer;
  if (option.buf_value !== undefined) value = Buffer.from(option.buf_value, 'base64');
  else {
    value = Buffer.alloc(4);
    value.writeInt32LE(option.int_value ?? 0);
  }
  return { level: option.level, name: option.name, value };
}
