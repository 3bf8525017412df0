import type { ConnectionFacts } from '../network/chain-match.js';
import type { Connection } from '../network/connection.js';
import { inspectHttp, MAX_HTTP_INSPECT } from '../network/http-inspector.js';
import { canAskOriginalDestination, originalDestination } from '../network/original-destination.js';
import { inspectTls } from '../network/tls-inspector.js';
import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type {
  ListenerFilterChainMatchPredicate,
  ListenerFilter as ListenerFilterProto,
  Listener as ListenerProto,
  TlsInspector,
} from '../xds/types.js';

/** `tls_inspector.` of all listeners together, as in Envoy. */
export class TlsInspectorStats {
  client_hello_too_large = 0;
  tls_found = 0;
  tls_not_found = 0;
  alpn_found = 0;
  alpn_not_found = 0;
  sni_found = 0;
  sni_not_found = 0;
}

/** `http_inspector.`, likewise. */
export class HttpInspectorStats {
  read_error = 0;
  http10_found = 0;
  http11_found = 0;
  http2_found = 0;
  http_not_found = 0;
}

export interface InspectorStats {
  readonly tls: TlsInspectorStats;
  readonly http: HttpInspectorStats;
}

/** `done`: go on with the next filter. `more`: ask again when more bytes are there. `close`: end the connection. */
export type FilterVerdict = 'done' | 'more' | 'close';

/** One listener filter: looks at a connection before its chain is chosen, and writes down what it finds. */
export interface ListenerFilter {
  /** filter_disabled. */
  isDisabled(facts: ConnectionFacts): boolean;
  /** `data`: all bytes that have come so far. */
  look(connection: Connection, facts: ConnectionFacts, data: Uint8Array): FilterVerdict;
}

type Disabled = (facts: ConnectionFacts) => boolean;
const NEVER: Disabled = () => false;

class OriginalDst implements ListenerFilter {
  constructor(readonly isDisabled: Disabled) {}

  look(connection: Connection, facts: ConnectionFacts): FilterVerdict {
    const found = originalDestination(connection.fd, facts.localIp, facts.localPort);
    if (found === null) return 'done';
    facts.localIp = found.ip;
    facts.localPort = found.port;
    connection.restoreLocalAddress(found.ip, found.port);
    return 'done';
  }
}

const DEFAULT_MAX_HELLO = 16384;

class TlsInspection implements ListenerFilter {
  private readonly max: number;

  constructor(
    readonly isDisabled: Disabled,
    private readonly config: TlsInspector,
    private readonly stats: TlsInspectorStats,
  ) {
    for (const field of ['enable_ja3_fingerprinting', 'enable_ja4_fingerprinting'] as const)
      if (config[field] === true) unsupported(config, field, 'fingerprints of TLS clients');
    this.max = config.max_client_hello_size ?? DEFAULT_MAX_HELLO;
  }

  look(connection: Connection, facts: ConnectionFacts, data: Uint8Array): FilterVerdict {
    const { stats } = this;
    // No more than this is ever looked at.
    const found = inspectTls(data.length > this.max ? data.subarray(0, this.max) : data);
    if (found.kind === 'more') {
      if (data.length < this.max) return 'more';
      stats.client_hello_too_large++;
      return 'close';
    }
    if (found.kind === 'no') {
      stats.tls_not_found++;
      return this.config.close_connection_on_client_hello_parsing_errors ? 'close' : 'done';
    }
    stats.tls_found++;
    if (found.alpn.length > 0) stats.alpn_found++;
    else stats.alpn_not_found++;
    if (found.serverName !== '') stats.sni_found++;
    else stats.sni_not_found++;
    facts.transportProtocol = 'tls';
    facts.serverName = found.serverName;
    facts.applicationProtocols = found.alpn;
    connection.requestedServerName = found.serverName;
    return 'done';
  }
}

class HttpInspection implements ListenerFilter {
  constructor(
    readonly isDisabled: Disabled,
    private readonly stats: HttpInspectorStats,
  ) {}

  look(_connection: Connection, facts: ConnectionFacts, data: Uint8Array): FilterVerdict {
    if (facts.transportProtocol !== 'raw_buffer') return 'done';
    const { stats } = this;
    const found = inspectHttp(data.length > MAX_HTTP_INSPECT ? data.subarray(0, MAX_HTTP_INSPECT) : data);
    if (found === null) return data.length < MAX_HTTP_INSPECT ? 'more' : 'close';
    if (found === '') {
      stats.http_not_found++;
      return 'done';
    }
    if (found === 'h2c') stats.http2_found++;
    else if (found === 'http/1.1') stats.http11_found++;
    else stats.http10_found++;
    facts.applicationProtocols = [found];
    return 'done';
  }
}

/**
 * The listener filters of a listener, in order. `use_original_dst` adds original_dst behind them when it is not among them.
 * @throws ConfigError
 */
export function compileListenerFilters(proto: ListenerProto, stats: InspectorStats): ListenerFilter[] {
  const filters = proto.listener_filters.map((filter) => compileFilter(filter, stats));
  if (proto.use_original_dst === true && !filters.some((filter) => filter instanceof OriginalDst)) {
    if (!canAskOriginalDestination)
      unsupported(proto, 'use_original_dst', 'the original destination needs Linux and the optional package koffi');
    filters.push(new OriginalDst(NEVER));
  }
  return filters;
}

function compileFilter(filter: ListenerFilterProto, stats: InspectorStats): ListenerFilter {
  const config = filter.typed_config;
  const disabled = filter.filter_disabled === undefined ? NEVER : compilePredicate(filter.filter_disabled);
  if (isType(config, 'TlsInspector')) return new TlsInspection(disabled, config as unknown as TlsInspector, stats.tls);
  if (isType(config, 'HttpInspector')) return new HttpInspection(disabled, stats.http);
  if (!isType(config, 'OriginalDst')) unsupported(filter, 'typed_config', `the listener filter ${filter.name}`);
  if (!canAskOriginalDestination)
    unsupported(filter, 'typed_config', 'the original destination needs Linux and the optional package koffi');
  return new OriginalDst(disabled);
}

/** `filter_disabled`: true leaves the filter out. */
export function compilePredicate(predicate: ListenerFilterChainMatchPredicate): Disabled {
  const { or_match, and_match, not_match, destination_port_range: range } = predicate;
  if (or_match !== undefined) {
    const rules = or_match.rules.map(compilePredicate);
    return (facts) => rules.some((rule) => rule(facts));
  }
  if (and_match !== undefined) {
    const rules = and_match.rules.map(compilePredicate);
    return (facts) => rules.every((rule) => rule(facts));
  }
  if (not_match !== undefined) {
    const rule = compilePredicate(not_match);
    return (facts) => !rule(facts);
  }
  if (range !== undefined) return ({ localPort }) => localPort >= range.start && localPort < range.end;
  const any = predicate.any_match === true;
  return () => any;
}
