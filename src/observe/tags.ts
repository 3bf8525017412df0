import { RE2JS } from 're2js';

/**
 * Tag extraction: which parts of a statistic's dotted name become Prometheus labels. The rules and their order are
 * Envoy's defaults; the order of the rules is the order of the labels. A user's `stats_config.stats_tags` come after.
 */
export interface Tag {
  /** Envoy's tag name, such as `envoy.cluster_name`. */
  name: string;
  value: string;
}

export interface Extracted {
  /** The name without the extracted parts. */
  name: string;
  tags: readonly Tag[];
}

/** `stats_config.stats_tags`: exactly one of `regex` and `fixed_value`; neither means a default rule of that name. */
export interface TagSpecifier {
  tag_name: string;
  regex?: string;
  fixed_value?: string;
}

interface Match {
  value: string;
  /** Part of the name to cut out. */
  from: number;
  to: number;
}

interface Extractor {
  tag: string;
  match(name: string): Match | null;
}

/**
 * A pattern of dot-separated tokens: `*` is one token, `$` one token that is the tag, `**` one or more at the end.
 * The tag goes together with one dot.
 */
function tokens(tag: string, pattern: string): Extractor {
  const parts = pattern.split('.');
  const rest = parts[parts.length - 1] === '**';
  if (rest) parts.pop();
  const first = parts[0] === '*' || parts[0] === '$' ? '' : `${parts[0]}.`;
  return {
    tag,
    match(name) {
      if (!name.startsWith(first)) return null;
      let at = 0;
      let from = -1;
      let to = -1;
      for (const part of parts) {
        if (at > name.length) return null;
        let end = name.indexOf('.', at);
        if (end < 0) end = name.length;
        if (part === '$') {
          if (end === at) return null;
          from = at;
          to = end;
        } else if (part !== '*' && part !== name.slice(at, end)) return null;
        at = end + 1;
      }
      if (rest ? at >= name.length : at <= name.length) return null;
      return { value: name.slice(from, to), from, to: to < name.length ? to + 1 : to };
    },
  };
}

/** Group 1 is cut out of the name, group 2 is the value. `mark` must occur in the name for the expression to be tried. */
function expression(tag: string, mark: string, source: string): Extractor {
  const regex = new RegExp(source, 'd');
  return {
    tag,
    match(name) {
      if (!name.includes(mark)) return null;
      const found = regex.exec(name);
      if (found === null) return null;
      const [from, to] = found.indices![1]!;
      return { value: found[2], from, to };
    },
  };
}

const ADDRESS = '(?:[_.\\d]*|[_\\[\\]a-fA-F\\d]*)';
const VALUE = '[\\w\\-]+';

const DEFAULTS: readonly Extractor[] = [
  expression('envoy.response_code', '_rq_', '_rq(_(\\d{3}))$'),
  expression('envoy.response_code_class', '_rq_', '_rq_((\\d))xx$'),
  tokens('envoy.http_user_agent', 'http.*.user_agent.$.**'),
  tokens('envoy.virtual_cluster', 'vhost.*.vcluster.$.**'),
  tokens('envoy.fault_downstream_cluster', 'http.*.fault.$.**'),
  expression('envoy.ssl_cipher', '.ssl.ciphers.', `^listener\\..*?\\.ssl\\.ciphers(\\.(${VALUE}))$`),
  expression('envoy.ssl_cipher', '.ssl.ciphers.', `^cluster\\..*?\\.ssl\\.ciphers(\\.(${VALUE}))$`),
  expression('envoy.ssl_curve', '.ssl.curves.', `\\.ssl\\.curves(\\.(${VALUE}))$`),
  expression('envoy.ssl_sigalg', '.ssl.sigalgs.', `\\.ssl\\.sigalgs(\\.(${VALUE}))$`),
  expression('envoy.tls_certificate', '.ssl.certificate.', '\\.ssl\\.certificate(\\.([^.]+))\\.'),
  expression('envoy.ssl_version', '.ssl.versions.', '\\.ssl\\.versions(\\.([\\w\\-.]+))$'),
  tokens('envoy.clientssl_prefix', 'auth.clientssl.$.**'),
  tokens('envoy.ratelimit_prefix', 'ratelimit.$.**'),
  tokens('envoy.tcp_prefix', 'tcp.$.**'),
  tokens('envoy.udp_prefix', 'udp.$.**'),
  tokens('envoy.cluster_name', 'cluster.$.**'),
  tokens('envoy.ext_authz_prefix', 'http.*.ext_authz.$.**'),
  tokens('envoy.rbac_http_prefix', 'http.*.rbac.$.**'),
  expression('envoy.http_conn_manager_prefix', '.http.', '^listener\\..*?\\.http\\.(([^.]+)\\.)'),
  tokens('envoy.http_conn_manager_prefix', 'http.$.**'),
  expression('envoy.worker_id', '.worker_', `^listener\\.${ADDRESS}\\.worker_((\\d+)\\.)`),
  expression('envoy.worker_id', 'worker_', '^listener_manager\\.worker_((\\d+)\\.)'),
  expression('envoy.worker_id', 'worker_', '^server\\.worker_((\\d+)\\.)'),
  expression('envoy.worker_id', 'worker_', '^thread_local_cluster_manager\\.worker_((\\d+)\\.)'),
  expression('envoy.listener_address', 'listener.', `^listener\\.((${ADDRESS}|(?!admin\\.)[^.]+)\\.)`),
  tokens('envoy.virtual_host', 'vhost.$.**'),
  expression('envoy.rds_route_config', '.rds.', '^http\\.[^.]+\\.rds\\.((.*?)\\.)\\w+?$'),
  tokens('envoy.scoped_rds_config', 'http.*.scoped_rds.$.**'),
  tokens('envoy.route', 'vhost.*.route.$.**'),
  tokens('envoy.thrift_prefix', 'thrift.$.**'),
  tokens('envoy.redis_prefix', 'redis.$.**'),
  tokens('envoy.local_http_ratelimit_prefix', '$.http_local_rate_limit.**'),
  tokens('envoy.local_network_ratelimit_prefix', 'local_rate_limit.$.**'),
  tokens('envoy.local_listener_ratelimit_prefix', 'listener_local_ratelimit.$.**'),
  tokens('envoy.dns_filter_prefix', 'dns_filter.$.**'),
  tokens('envoy.connection_limit_prefix', 'connection_limit.$.**'),
  tokens('envoy.rbac_prefix', '$.rbac.**'),
  expression('envoy.proxy_protocol_version', 'proxy_proto.', '^proxy_proto\\.(versions\\.v(\\d)\\.)'),
];

/** Names of clusters that are gone must not stay for ever. */
const CACHE_LIMIT = 200_000;
const NOT_ALLOWED = /[^a-zA-Z0-9_]/g;

/** Prometheus metric or label name from a dotted one. */
export function promName(name: string): string {
  return name.replace(NOT_ALLOWED, '_');
}

export class TagExtractor {
  private readonly extractors: Extractor[];
  private readonly fixed: Tag[] = [];
  private readonly cache = new Map<string, Extracted>();

  /**
   * @param specifiers `stats_config.stats_tags`
   * @param defaults `stats_config.use_all_default_tags`, true when unset
   * @throws Error when a specifier has an invalid regex or names no default rule
   */
  constructor(specifiers: readonly TagSpecifier[] = [], defaults = true) {
    this.extractors = defaults ? [...DEFAULTS] : [];
    for (const specifier of specifiers) {
      if (specifier.fixed_value !== undefined && specifier.fixed_value !== '') {
        this.fixed.push({ name: specifier.tag_name, value: specifier.fixed_value });
      } else if (specifier.regex !== undefined && specifier.regex !== '') {
        this.extractors.push(userExtractor(specifier.tag_name, specifier.regex));
      } else {
        const known = DEFAULTS.filter((extractor) => extractor.tag === specifier.tag_name);
        if (known.length === 0) {
          throw new Error(
            `No regex specified for tag specifier and no default regex for name: '${specifier.tag_name}'`,
          );
        }
        if (!defaults) this.extractors.push(...known);
      }
    }
  }

  /** Cached by name: names are few and scraped again and again. */
  extract(name: string): Extracted {
    let found = this.cache.get(name);
    if (found === undefined) {
      if (this.cache.size >= CACHE_LIMIT) this.cache.clear();
      this.cache.set(name, (found = this.compute(name)));
    }
    return found;
  }

  private compute(name: string): Extracted {
    const tags: Tag[] = [...this.fixed];
    const cuts: Match[] = [];
    for (const extractor of this.extractors) {
      const match = extractor.match(name);
      if (match === null) continue;
      if (tags.some((tag) => tag.name === extractor.tag)) continue;
      tags.push({ name: extractor.tag, value: match.value });
      cuts.push(match);
    }
    if (cuts.length === 0) return { name, tags };
    cuts.sort((a, b) => a.from - b.from);
    let out = '';
    let at = 0;
    for (const cut of cuts) {
      if (cut.from > at) out += name.slice(at, cut.from);
      if (cut.to > at) at = cut.to;
    }
    out += name.slice(at);
    return { name: out, tags };
  }
}

function userExtractor(tag: string, source: string): Extractor {
  const regex = RE2JS.compile(source);
  return {
    tag,
    match(name) {
      const matcher = regex.matcher(name);
      if (!matcher.find() || matcher.groupCount() < 1) return null;
      const removed = matcher.group(1);
      if (removed === null || removed === undefined) return null;
      const value = matcher.groupCount() > 1 ? (matcher.group(2) ?? removed) : removed;
      return { value, from: matcher.start(1), to: matcher.end(1) };
    },
  };
}
