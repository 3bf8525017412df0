import { BlockList } from 'node:net';
import { ipv4Number } from '../base/ip-address.js';

interface Ipv4Range {
  readonly base: number;
  /** Size of the block. */
  readonly size: number;
}

/** Matches addresses against CIDR ranges. An IPv4 range holds no IPv6 address, not even a mapped one. */
export function cidrMatcher(
  ranges: readonly { address_prefix: string; prefix_len?: number }[],
): (ip: string) => boolean {
  const v4: Ipv4Range[] = [];
  let v6: BlockList | null = null;
  for (const { address_prefix: prefix, prefix_len: bits = 0 } of ranges) {
    const number = ipv4Number(prefix);
    if (number >= 0) {
      const size = 2 ** (32 - bits);
      v4.push({ base: number - (number % size), size });
    } else (v6 ??= new BlockList()).addSubnet(prefix, bits, 'ipv6');
  }
  return (ip) => {
    const number = ipv4Number(ip);
    if (number < 0) return v6 !== null && ip.includes(':') && v6.check(ip, 'ipv6');
    for (let i = 0; i < v4.length; i++) if (number >= v4[i].base && number < v4[i].base + v4[i].size) return true;
    return false;
  };
}
