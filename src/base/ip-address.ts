import { isIPv6, SocketAddress } from 'node:net';

/**
 * The number of an IPv4 address in dotted decimal, without leading zeros as inet_pton wants it; -1 for other text. Blanks around the
 * address are not allowed.
 */
export function ipv4Number(text: string, start = 0, end = text.length): number {
  if (end - start < 7 || end - start > 15) return -1;
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = -1;
      continue;
    }
    const digit = c - 48;
    if (digit < 0 || digit > 9 || octet === 0) return -1;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return -1;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

/** The usual spelling of an address (IPv6: lower case, zeros compressed), null for text that is none; ports and brackets are none. */
export function canonicalIp(text: string): string | null {
  if (ipv4Number(text) >= 0) return text;
  if (!text.includes(':') || text.includes('%') || !isIPv6(text)) return null;
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/** `ip:port`, `[ip]:port` for IPv6. */
export function withPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
