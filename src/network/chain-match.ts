import { isIP } from 'node:net';

/** `envoy.config.listener.v3.FilterChainMatch`, as far as matching looks at it. */
export interface ChainMatch {
  readonly destination_port?: number;
  readonly prefix_ranges: readonly AddressRange[];
  readonly server_names: readonly string[];
  readonly transport_protocol: string;
  readonly application_protocols: readonly string[];
  readonly direct_source_prefix_ranges: readonly AddressRange[];
  readonly source_type: 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';
  readonly source_prefix_ranges: readonly AddressRange[];
  readonly source_ports: readonly number[];
}

export interface AddressRange {
  readonly address_prefix: string;
  readonly prefix_len?: number;
}

/** What is known of a connection when its chain is chosen. Addresses are plain IPs; '' for a Unix socket. */
export interface ConnectionFacts {
  localIp: string;
  localPort: number;
  /** Of the peer of the socket. */
  directRemoteIp: string;
  remoteIp: string;
  remotePort: number;
  /** Lower case; '' when none was asked for. */
  serverName: string;
  /** `tls` or `raw_buffer`. */
  transportProtocol: string;
  applicationProtocols: readonly string[];
}

/** Bits of an address from the left, 0 and 1. IPv4 and IPv6 never match each other. */
export interface AddressBits {
  readonly v6: boolean;
  readonly bytes: Uint8Array;
}

/** Where an address without an IP is looked up, as in Envoy. */
const NO_ADDRESS: AddressBits = { v6: false, bytes: new Uint8Array([255, 255, 255, 255]) };

/** Null for what is no IP address. */
export function addressBits(ip: string): AddressBits | null {
  const kind = isIP(ip);
  if (kind === 4) return { v6: false, bytes: Uint8Array.from(ip.split('.'), Number) };
  if (kind === 0) return null;
  const bytes = new Uint8Array(16);
  let text = ip.split('%')[0];
  const dotted = text.lastIndexOf(':') + 1;
  if (text.includes('.', dotted)) {
    const [a, b, c, d] = text.slice(dotted).split('.').map(Number);
    text = `${text.slice(0, dotted)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head, tail] = text.split('::');
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail);
  before.forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 255;
  });
  after.forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    const at = 16 - 2 * (after.length - i);
    bytes[at] = value >> 8;
    bytes[at + 1] = value & 255;
  });
  return { v6: true, bytes };
}

interface PrefixEntry<T> {
  readonly bits: AddressBits;
  readonly length: number;
  readonly value: T;
}

/** Longest prefix wins. Ranges of one configuration are few: a list sorted by length is searched. */
class PrefixMap<T> {
  private readonly entries: PrefixEntry<T>[] = [];
  private everywhere: T | null = null;

  /** The value of a range, made when it is new; no range: every address of both families. */
  at(range: AddressRange | null, make: () => T): T {
    if (range === null) return (this.everywhere ??= make());
    const bits = addressBits(range.address_prefix) ?? NO_ADDRESS;
    const length = Math.min(range.prefix_len ?? 0, bits.bytes.length * 8);
    const known = this.entries.find(
      (entry) => entry.length === length && entry.bits.v6 === bits.v6 && covers(entry.bits.bytes, bits.bytes, length),
    );
    if (known !== undefined) return known.value;
    const value = make();
    this.entries.push({ bits, length, value });
    this.entries.sort((a, b) => b.length - a.length);
    return value;
  }

  find(ip: string): T | null {
    if (this.entries.length === 0) return this.everywhere;
    const bits = addressBits(ip) ?? NO_ADDRESS;
    for (const entry of this.entries)
      if (entry.bits.v6 === bits.v6 && covers(entry.bits.bytes, bits.bytes, entry.length)) return entry.value;
    return this.everywhere;
  }
}

function covers(prefix: Uint8Array, address: Uint8Array, length: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (prefix[i] !== address[i]) return false;
  const rest = length & 7;
  return rest === 0 || (prefix[whole] ^ address[whole]) >> (8 - rest) === 0;
}

type SourcePorts<T> = Map<number, T>;
type SourceTypes<T> = Record<ChainMatch['source_type'], PrefixMap<SourcePorts<T>> | null>;
type Applications<T> = Map<string, PrefixMap<SourceTypes<T>>>;
type Transports<T> = Map<string, Applications<T>>;
type ServerNames<T> = Map<string, Transports<T>>;

function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

const orAny = <T>(list: readonly T[], any: T): readonly T[] => (list.length === 0 ? [any] : list);
const orNull = (list: readonly AddressRange[]): readonly (AddressRange | null)[] => (list.length === 0 ? [null] : list);

/**
 * Filter chains by what they match, in Envoy's order (FilterChainMatch): destination port, destination address, server name,
 * transport protocol, application protocol, direct source address, source type, source address, source port. Each step
 * takes the most specific that there is and never comes back to a less specific one.
 */
export class ChainIndex<T> {
  private readonly ports = new Map<number, PrefixMap<ServerNames<T>>>();

  /** @returns false when another chain matches the same: nothing says which of them a connection would take */
  add(match: ChainMatch, chain: T): boolean {
    const names = orAny(match.server_names, '').map((name) =>
      (name.startsWith('*.') ? name.slice(1) : name).toLowerCase(),
    );
    const byAddress = at(this.ports, match.destination_port ?? 0, () => new PrefixMap<ServerNames<T>>());
    let single = true;
    for (const range of orNull(match.prefix_ranges)) {
      const byName = byAddress.at(range, () => new Map());
      for (const name of names) {
        const byTransport = at(byName, name, () => new Map());
        const byProtocol = at(byTransport, match.transport_protocol, () => new Map());
        for (const protocol of orAny(match.application_protocols, '')) {
          const byDirect = at(byProtocol, protocol, () => new PrefixMap<SourceTypes<T>>());
          for (const direct of orNull(match.direct_source_prefix_ranges)) {
            const types = byDirect.at(direct, () => ({ ANY: null, SAME_IP_OR_LOOPBACK: null, EXTERNAL: null }));
            const bySource = (types[match.source_type] ??= new PrefixMap<SourcePorts<T>>());
            for (const source of orNull(match.source_prefix_ranges)) {
              const byPort = bySource.at(source, () => new Map());
              for (const port of orAny(match.source_ports, 0)) {
                if (byPort.has(port)) single = false;
                byPort.set(port, chain);
              }
            }
          }
        }
      }
    }
    return single;
  }

  find(facts: ConnectionFacts): T | null {
    const byAddress = this.ports.get(facts.localPort) ?? this.ports.get(0);
    const byName = byAddress?.find(facts.localIp);
    if (byName === undefined || byName === null) return null;
    const byTransport = this.byServerName(byName, facts.serverName);
    const byProtocol = byTransport?.get(facts.transportProtocol) ?? byTransport?.get('');
    if (byProtocol === undefined) return null;
    const types = this.byApplication(byProtocol, facts)?.find(facts.directRemoteIp);
    if (types === undefined || types === null) return null;
    const bySource = this.bySourceType(types, facts);
    const byPort = bySource?.find(facts.remoteIp);
    return byPort?.get(facts.remotePort) ?? byPort?.get(0) ?? null;
  }

  private byServerName(names: ServerNames<T>, name: string): Transports<T> | undefined {
    const exact = names.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf('.', 1); dot >= 0 && dot < name.length - 1; dot = name.indexOf('.', dot + 1)) {
      const wildcard = names.get(name.slice(dot));
      if (wildcard !== undefined) return wildcard;
    }
    return names.get('');
  }

  private byApplication(protocols: Applications<T>, facts: ConnectionFacts): PrefixMap<SourceTypes<T>> | undefined {
    for (const protocol of facts.applicationProtocols) {
      const found = protocols.get(protocol);
      if (found !== undefined) return found;
    }
    return protocols.get('');
  }

  private bySourceType(types: SourceTypes<T>, facts: ConnectionFacts): PrefixMap<SourcePorts<T>> | null {
    if (types.SAME_IP_OR_LOOPBACK === null && types.EXTERNAL === null) return types.ANY;
    return (isLocal(facts) ? types.SAME_IP_OR_LOOPBACK : types.EXTERNAL) ?? types.ANY;
  }
}

/** From this machine: a Unix socket, the canonical loopback address, or the address that was called. */
function isLocal({ remoteIp, localIp }: ConnectionFacts): boolean {
  return remoteIp === '' || remoteIp === '127.0.0.1' || remoteIp === '::1' || remoteIp === localIp;
}
