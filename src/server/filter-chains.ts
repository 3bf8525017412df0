import { ConfigError } from '../config/error.js';
import { pathOf, positionOf } from '../config/position.js';
import type { ConnectionManagerConfig } from '../http/config.js';
import type { ListenerHttpStats } from '../http/stats.js';
import { ChainIndex, type ChainMatch, type ConnectionFacts } from '../network/chain-match.js';
import { compileTcpProxy, type TcpDeps, type TcpProxyConfig } from '../tcp/config.js';
import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type {
  FilterChain as FilterChainProto,
  HttpConnectionManager,
  Listener as ListenerProto,
  TcpProxy as TcpProxyProto,
} from '../xds/types.js';
import { compileHcm, type HcmDeps } from './hcm-config.js';

/** A filter chain, compiled: what ends its connections. */
export interface NetworkChain {
  readonly name: string;
  /** Equal for the same place in an earlier configuration. */
  readonly key: string;
  readonly http: ConnectionManagerConfig | null;
  readonly tcp: TcpProxyConfig | null;
}

/** Where the chains stand. */
export interface ChainPlace {
  readonly statName: string;
  readonly bufferLimit: number;
  /** By stat_prefix; the listener's, so that a configuration compiled anew goes on counting. */
  readonly httpStats: Map<string, ListenerHttpStats>;
}

const NO_MATCH: ChainMatch = {
  prefix_ranges: [],
  server_names: [],
  transport_protocol: '',
  application_protocols: [],
  direct_source_prefix_ranges: [],
  source_type: 'ANY',
  source_prefix_ranges: [],
  source_ports: [],
};

/** The filter chains of a listener and which of them takes a connection. */
export class FilterChains {
  readonly all: readonly NetworkChain[];
  /** The chain of every connection, when nothing needs to be known to tell. */
  readonly only: NetworkChain | null;
  private readonly index = new ChainIndex<NetworkChain>();
  private readonly last: NetworkChain | null;

  /** @throws ConfigError */
  constructor(proto: ListenerProto, place: ChainPlace, deps: HcmDeps & TcpDeps) {
    const chains = proto.filter_chains.map((chain) => compileChain(chain, proto, place, deps));
    const { default_filter_chain: last } = proto;
    this.last = last === undefined ? null : compileChain(last, proto, place, deps);
    this.all = this.last === null ? chains : [...chains, this.last];
    chains.forEach((chain, i) => {
      const from = proto.filter_chains[i];
      if (this.index.add(from.filter_chain_match ?? NO_MATCH, chain)) return;
      const at = positionOf(from, 'filter_chain_match') ?? positionOf(from, '');
      throw new ConfigError(
        'multiple filter chains with overlapping matching rules are defined',
        pathOf(from, 'filter_chain_match'),
        at,
      );
    });
    const plain = chains.length === 1 && isEmpty(proto.filter_chains[0]);
    this.only = plain ? chains[0] : chains.length === 0 ? this.last : null;
  }

  find(facts: ConnectionFacts): NetworkChain | null {
    return this.index.find(facts) ?? this.last;
  }

  /** Streams of connections that are open are routed by this configuration: it takes the holders of the earlier one. */
  inherit(before: FilterChains): void {
    for (const chain of this.all) {
      if (chain.http === null) continue;
      const old = before.all.find((other) => other.key === chain.key)?.http;
      if (old === undefined || old === null) continue;
      const holder = old.routes;
      holder.table = chain.http.routes.table;
      chain.http.routes = holder;
    }
  }
}

function isEmpty(chain: FilterChainProto): boolean {
  return chain.filter_chain_match === undefined || matchKey(chain) === matchKey({ filter_chain_match: NO_MATCH });
}

function matchKey({ filter_chain_match: match }: { filter_chain_match?: ChainMatch }): string {
  return JSON.stringify(match === undefined ? NO_MATCH : { ...NO_MATCH, ...match });
}

function compileChain(
  chain: FilterChainProto,
  proto: ListenerProto,
  place: ChainPlace,
  deps: HcmDeps & TcpDeps,
): NetworkChain {
  const socket = chain.transport_socket;
  if (socket !== undefined && !isType(socket.typed_config, 'RawBuffer'))
    unsupported(chain, 'transport_socket', 'TLS on listeners is not built yet');
  if (chain.filters.length > 1) unsupported(chain, 'filters', 'more than one network filter');
  const filter = chain.filters[0];
  const made = {
    name: chain.name,
    key: chain === proto.default_filter_chain ? 'default' : matchKey(chain),
    http: null,
    tcp: null,
  };
  // Without a filter connections are closed as they come.
  if (filter === undefined) return made;
  if (isType(filter.typed_config, 'TcpProxy')) {
    const reporter = proto.traffic_direction === 'INBOUND' ? 'destination' : 'source';
    return { ...made, tcp: compileTcpProxy(filter.typed_config as unknown as TcpProxyProto, reporter, deps) };
  }
  if (!isType(filter.typed_config, 'HttpConnectionManager'))
    unsupported(filter, 'typed_config', `the network filter ${filter.name}`);
  const http = compileHcm(
    filter.typed_config as unknown as HttpConnectionManager,
    {
      listenerStatName: place.statName,
      listenerPort: proto.address?.socket_address?.port_value ?? 0,
      filterChainName: chain.name,
      tls: false,
      bufferLimit: place.bufferLimit,
      listenerHttpStats: place.httpStats,
    },
    deps,
  );
  return { ...made, http };
}
