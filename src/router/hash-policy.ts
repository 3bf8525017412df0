import type { HeaderMap, RequestHeaders } from '../base/headers.js';
import { xxHash64 } from '../base/xxhash64.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { HashPolicy as HashPolicyConfig, HashPolicyCookie } from '../xds/types.js';
import { HeaderReader } from './header-matcher.js';
import { cookieValue, queryParameter } from './query.js';
import { refuse, reporting } from './refuse.js';
import { byteString, RegexRewrite } from './regex.js';

/** Takes the `set-cookie` lines that a hash policy makes for the response. */
export interface CookieSink {
  addSetCookie(value: string): void;
}

/** One source of a hash. */
interface HashMethod {
  readonly terminal: boolean;
  hash(headers: RequestHeaders, info: StreamInfo, cookies: CookieSink): bigint | null;
}

const MASK = (1n << 64n) - 1n;

/** The hash policies of a route (RouteAction.hash_policy), for ring hash and Maglev. */
export class HashPolicy {
  private constructor(private readonly methods: readonly HashMethod[]) {}

  /**
   * Null when the route has none.
   * @throws ConfigError for filter_state and for regexes that do not compile
   */
  static compile(configs: readonly HashPolicyConfig[]): HashPolicy | null {
    if (configs.length === 0) return null;
    return new HashPolicy(configs.map(compileMethod));
  }

  /** 64-bit hash, or null when no policy applies. A policy may make a cookie. */
  hash(headers: RequestHeaders, info: StreamInfo, cookies: CookieSink): bigint | null {
    let hash: bigint | null = null;
    for (const method of this.methods) {
      const next = method.hash(headers, info, cookies);
      // Rotating first keeps two equal policies from cancelling each other out.
      if (next !== null) hash = (hash === null ? 0n : ((hash << 1n) & MASK) | (hash >> 63n)) ^ next;
      if (method.terminal && hash !== null) break;
    }
    return hash;
  }
}

class HeaderHash implements HashMethod {
  private readonly reader: HeaderReader;
  constructor(
    readonly terminal: boolean,
    name: string,
    private readonly rewrite: RegexRewrite | null,
  ) {
    this.reader = new HeaderReader(name);
  }

  hash(headers: RequestHeaders): bigint | null {
    const first = this.reader.get(headers);
    if (first === undefined) return null;
    const values = this.reader.isPseudo ? [first] : this.allValues(headers);
    if (this.rewrite !== null) for (let i = 0; i < values.length; i++) values[i] = this.rewrite.replaceAll(values[i]);
    // Sorted, so that the order of repeated lines does not matter.
    values.sort(byBytes);
    let hash = 0n;
    for (const value of values) hash = xxHash64(value, hash);
    return hash;
  }

  private allValues(headers: HeaderMap): string[] {
    const values: string[] = [];
    for (let at = this.reader.next(headers, 0); at >= 0; at = this.reader.next(headers, at + 1))
      values.push(headers.values[at]);
    return values;
  }
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class CookieHash implements HashMethod {
  private readonly name: string;
  private readonly attributes: string;

  constructor(
    readonly terminal: boolean,
    private readonly config: HashPolicyCookie,
  ) {
    this.name = byteString(config.name);
    const maxAge = Math.floor((config.ttl ?? 0) / 1000);
    let text = maxAge > 0 ? `; Max-Age=${maxAge}` : '';
    if (config.path !== '') text += `; Path=${config.path}`;
    for (const { name, value } of config.attributes) text += value === '' ? `; ${name}` : `; ${name}=${value}`;
    this.attributes = byteString(`${text}; HttpOnly`);
  }

  hash(headers: RequestHeaders, info: StreamInfo, cookies: CookieSink): bigint | null {
    const found = cookieValue(headers, this.name);
    if (found !== null && found !== '') return xxHash64(found);
    if (this.config.ttl === undefined) return null;
    // All streams of a connection make the same cookie, so that a race between them is harmless.
    const made = xxHash64(info.connection.remoteAddress + info.connection.localAddress)
      .toString(16)
      .padStart(16, '0');
    cookies.addSetCookie(`${this.name}="${made}"${this.attributes}`);
    return xxHash64(made);
  }
}

class SourceIpHash implements HashMethod {
  constructor(readonly terminal: boolean) {}
  hash(_headers: RequestHeaders, info: StreamInfo): bigint | null {
    const address = info.downstreamRemoteAddress;
    const port = address.lastIndexOf(':');
    if (port < 0) return null;
    const ip = address.slice(0, port);
    return xxHash64(ip.startsWith('[') ? ip.slice(1, -1) : ip);
  }
}

class QueryHash implements HashMethod {
  private readonly name: string;
  constructor(
    readonly terminal: boolean,
    name: string,
  ) {
    this.name = byteString(name);
  }
  hash(headers: RequestHeaders): bigint | null {
    const value = queryParameter(headers.path ?? '', this.name);
    return value === null ? null : xxHash64(value);
  }
}

class NoHash implements HashMethod {
  constructor(readonly terminal: boolean) {}
  hash(): null {
    return null;
  }
}

function compileMethod(config: HashPolicyConfig): HashMethod {
  const { terminal, header } = config;
  if (header !== undefined) {
    const rewrite = header.regex_rewrite;
    const compiled =
      rewrite === undefined
        ? null
        : reporting(header, 'regex_rewrite', () => new RegexRewrite(rewrite.pattern.regex, rewrite.substitution));
    return new HeaderHash(terminal, header.header_name, compiled);
  }
  if (config.cookie !== undefined) return new CookieHash(terminal, config.cookie);
  if (config.query_parameter !== undefined) return new QueryHash(terminal, config.query_parameter.name);
  if (config.connection_properties !== undefined)
    return config.connection_properties.source_ip ? new SourceIpHash(terminal) : new NoHash(terminal);
  return refuse(config, 'filter_state', 'hashing filter state is not supported');
}
