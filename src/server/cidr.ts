import { BlockList, isIPv6 } from 'node:net';

/** Matches addresses against CIDR ranges (InternalAddressConfig.cidr_ranges). */
export function cidrMatcher(
  ranges: readonly { address_prefix: string; prefix_len?: number }[],
): (ip: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const kind = isIPv6(range.address_prefix) ? 'ipv6' : 'ipv4';
    list.addSubnet(range.address_prefix, range.prefix_len ?? 0, kind);
  }
  return (ip) => list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}
