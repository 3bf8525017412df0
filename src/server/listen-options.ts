import { isIPv6 } from 'node:net';
import type { ListenOptions, RawOption } from '../network/listener.js';
import { native } from '../network/native.js';
import { unsupported } from '../xds/decode.js';
import type { Listener as ListenerProto, SocketOption, TcpKeepalive } from '../xds/types.js';

const SOL_IP = 0;
const IP_FREEBIND = 15;
const IP_TRANSPARENT = 19;
const SOL_IPV6 = 41;
const IPV6_TRANSPARENT = 75;
const IPV6_FREEBIND = 78;
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const KEEPALIVE_FIELDS = [
  ['keepalive_time', 4],
  ['keepalive_interval', 5],
  ['keepalive_probes', 6],
] as const;

/** What a listener, or one of its additional addresses, asks of its socket. Accepted sockets have it too. */
export interface SocketWishes {
  readonly host: string;
  readonly options: readonly SocketOption[];
  readonly keepalive: TcpKeepalive | undefined;
}

/** @throws ConfigError for what cannot be asked for here */
export function listenOptions(proto: ListenerProto, { host, options, keepalive }: SocketWishes): ListenOptions {
  const v6 = isIPv6(host);
  const prebind: RawOption[] = [];
  const bound: RawOption[] = [];
  const listening: RawOption[] = [];
  const on = (field: string, level: number, name: number, value = 1): RawOption => ({
    field,
    level,
    name,
    value: int(value),
  });
  if (proto.freebind === true) prebind.push(on('freebind', v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND));
  if (proto.transparent === true)
    prebind.push(on('transparent', v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT));
  if (keepalive !== undefined && KEEPALIVE_FIELDS.every(([field]) => keepalive[field] !== 0)) {
    bound.push(on('tcp_keepalive', SOL_SOCKET, SO_KEEPALIVE));
    for (const [field, name] of KEEPALIVE_FIELDS) {
      const value = keepalive[field];
      if (value !== undefined) bound.push(on(`tcp_keepalive.${field}`, IPPROTO_TCP, name, value));
    }
  }
  for (const option of options) {
    if (option.type !== undefined) unsupported(option, 'type', 'an option for one kind of socket');
    if (option.ip_version === (v6 ? 'SOCKET_IP_VERSION_IPV4' : 'SOCKET_IP_VERSION_IPV6')) continue;
    const list = option.state === 'STATE_PREBIND' ? prebind : option.state === 'STATE_LISTENING' ? listening : bound;
    const value = option.buf_value === undefined ? int(option.int_value ?? 0) : Buffer.from(option.buf_value, 'base64');
    list.push({ field: 'socket_options', level: option.level, name: option.name, value });
  }
  const first = [...prebind, ...bound, ...listening][0];
  if (native === null && first !== undefined) {
    const field = first.field.split('.')[0] as 'freebind' | 'transparent' | 'tcp_keepalive' | 'socket_options';
    unsupported(proto, field, 'options of listening sockets need Linux and the optional package koffi');
  }
  return { prebind, bound, listening };
}

function int(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32LE(value);
  return out;
}
