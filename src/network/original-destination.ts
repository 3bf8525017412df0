import { native } from './native.js';

const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const IP_TRANSPARENT = 19;
const AF_INET = 2;
const AF_INET6 = 10;

export interface Destination {
  ip: string;
  port: number;
}

/** Whether the original destination of a redirected connection can be asked for here (Linux with koffi). */
export const canAskOriginalDestination: boolean = native !== null;

/**
 * Where a connection was going before a rule of the packet filter sent it here (SO_ORIGINAL_DST). A connection that was not redirected
 * has its own local address; null when the kernel does not track it. A transparent socket (TPROXY) has kept its address.
 */
export function originalDestination(fd: number, ip: string, port: number): Destination | null {
  if (native === null || fd < 0) return null;
  const v6 = ip.includes(':');
  const transparent = native.getOption(fd, SOL_IP, IP_TRANSPARENT, 4);
  if (transparent !== null && transparent.readInt32LE(0) !== 0) return { ip, port };
  const raw = v6
    ? native.getOption(fd, SOL_IPV6, SO_ORIGINAL_DST, 28)
    : native.getOption(fd, SOL_IP, SO_ORIGINAL_DST, 16);
  return raw === null ? null : readSocketAddress(raw);
}

/** struct sockaddr_in or sockaddr_in6; null for another family. */
export function readSocketAddress(raw: Buffer): Destination | null {
  if (raw.length < 8) return null;
  const family = raw.readUInt16LE(0);
  const port = raw.readUInt16BE(2);
  if (family === AF_INET) return { ip: `${raw[4]}.${raw[5]}.${raw[6]}.${raw[7]}`, port };
  if (family !== AF_INET6 || raw.length < 24) return null;
  const groups: string[] = [];
  for (let i = 8; i < 24; i += 2) groups.push(raw.readUInt16BE(i).toString(16));
  return { ip: shortestIpv6(groups), port };
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
function shortestIpv6(groups: readonly string[]): string {
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === '0') n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
  }
  if (best < 0) return groups.join(':');
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + bestLength).join(':')}`;
}
