import type { RequestHeaders } from '../base/headers.js';
import type { ConnectionInfo } from '../observe/stream-info.js';
import type { RouteMatch, RuntimeFractionalPercent } from '../xds/types.js';
import { isGrpcRequest } from './grpc.js';
import { allMatch, compileHeaderMatcher, type HeaderMatcher } from './header-matcher.js';
import { CookieMatcher, QueryMatcher } from './query.js';
import { refuse, reporting } from './refuse.js';
import { byteString, FullMatchRegex } from './regex.js';
import { pathLength } from './rewrite.js';
import { asciiLower } from './string-matcher.js';
import { UriTemplate } from './uri-template.js';

/** What a route's tls_context looks at; a connection that cannot tell counts as one without a client certificate. */
export interface MatchConnection extends ConnectionInfo {
  readonly peerCertificatePresented?: boolean;
  readonly peerCertificateValidated?: boolean;
}

/** The random number of one stream, the same for every question asked of it; drawn when first asked. */
export interface StreamRandom {
  value(): number;
}

export const PathKind = {
  /** Every request that has a path. */
  ANY: 0,
  PREFIX: 1,
  EXACT: 2,
  SEPARATED: 3,
  REGEX: 4,
  TEMPLATE: 5,
  /** CONNECT requests; the only kind that takes a request without a path. */
  CONNECT: 6,
  /** Text that no path can match, since it holds `?` or `#`. */
  NEVER: 7,
} as const;
export type PathKind = (typeof PathKind)[keyof typeof PathKind];

const QUESTION = 63;
const HASH = 35;
const SLASH = 47;

/** A share of requests: runtime_fraction and the like. Without a runtime the default value holds. */
export class Fraction {
  private readonly numerator: number;
  private readonly denominator: number;

  constructor(config: RuntimeFractionalPercent) {
    const { numerator, denominator } = config.default_value;
    this.denominator = denominator === 'HUNDRED' ? 100 : denominator === 'TEN_THOUSAND' ? 10_000 : 1_000_000;
    this.numerator = Math.min(numerator, this.denominator);
  }

  includes(random: number): boolean {
    return random % this.denominator < this.numerator;
  }

  get always(): boolean {
    return this.numerator === this.denominator;
  }
}

/**
 * A compiled `RouteMatch`. `path` is `:path` with its query (and without path parameters, when those are to be ignored);
 * texts of the configuration hold neither `?` nor `#`, so a prefix of the whole is a prefix of the path.
 */
export class RouteCondition {
  readonly kind: PathKind;
  /** Text of a prefix, path or separated prefix; lower case when case does not matter. */
  readonly text: string;
  readonly caseSensitive: boolean;
  /** The path alone decides. */
  readonly pathOnly: boolean;
  readonly template: UriTemplate | null = null;
  private readonly regex: FullMatchRegex | null = null;
  private readonly grpc: boolean;
  private readonly headers: readonly HeaderMatcher[];
  private readonly query: readonly QueryMatcher[];
  private readonly cookies: readonly CookieMatcher[];
  private readonly fraction: Fraction | null;
  private readonly certificatePresented: boolean | null;
  private readonly certificateValidated: boolean | null;

  /** Matches nothing. */
  static readonly NEVER = new RouteCondition({
    path: '?',
    headers: [],
    query_parameters: [],
    cookies: [],
    dynamic_metadata: [],
    filter_state: [],
  });

  /** @throws ConfigError for a regex or template that does not compile, filter_state, dynamic_metadata */
  constructor(config: RouteMatch) {
    if (config.filter_state.length > 0) refuse(config, 'filter_state', 'matching filter state is not supported');
    if (config.dynamic_metadata.length > 0)
      refuse(config, 'dynamic_metadata', 'matching dynamic metadata is not supported');
    this.caseSensitive = config.case_sensitive ?? true;
    const written = config.prefix ?? config.path ?? config.path_separated_prefix ?? '';
    this.text = this.caseSensitive ? byteString(written) : asciiLower(byteString(written));
    if (config.prefix !== undefined) this.kind = this.text === '' ? PathKind.ANY : PathKind.PREFIX;
    else if (config.path !== undefined) this.kind = PathKind.EXACT;
    else if (config.path_separated_prefix !== undefined) this.kind = PathKind.SEPARATED;
    else if (config.connect_matcher !== undefined) this.kind = PathKind.CONNECT;
    else if (config.path_match_policy !== undefined) {
      this.kind = PathKind.TEMPLATE;
      const policy = config.path_match_policy;
      this.template = reporting(config, 'path_match_policy', () => UriTemplate.fromPolicy(policy));
    } else {
      this.kind = PathKind.REGEX;
      this.regex = reporting(config, 'safe_regex', () => new FullMatchRegex(config.safe_regex?.regex ?? ''));
    }
    if (/[?#]/.test(this.text)) this.kind = PathKind.NEVER;
    this.grpc = config.grpc !== undefined;
    this.headers = reporting(config, 'headers', () => config.headers.map(compileHeaderMatcher));
    this.query = reporting(config, 'query_parameters', () =>
      config.query_parameters.map((one) => new QueryMatcher(one)),
    );
    this.cookies = reporting(config, 'cookies', () => config.cookies.map((one) => new CookieMatcher(one)));
    const fraction = config.runtime_fraction === undefined ? null : new Fraction(config.runtime_fraction);
    this.fraction = fraction?.always ? null : fraction;
    this.certificatePresented = config.tls_context?.presented ?? null;
    this.certificateValidated = config.tls_context?.validated ?? null;
    this.pathOnly =
      !this.grpc &&
      this.headers.length === 0 &&
      this.query.length === 0 &&
      this.cookies.length === 0 &&
      this.fraction === null &&
      this.certificatePresented === null &&
      this.certificateValidated === null;
  }

  matchesPath(path: string): boolean {
    switch (this.kind) {
      case PathKind.ANY:
        return true;
      case PathKind.PREFIX:
        return this.startsWith(path);
      case PathKind.EXACT:
        return this.startsWith(path) && endsAt(path, this.text.length);
      case PathKind.SEPARATED:
        return this.startsWith(path) && (path.charCodeAt(this.text.length) === SLASH || endsAt(path, this.text.length));
      case PathKind.REGEX:
        return this.regex!.test(withoutQuery(path));
      case PathKind.TEMPLATE:
        return this.template!.test(withoutQuery(path));
      default:
        return false;
    }
  }

  private startsWith(path: string): boolean {
    if (this.caseSensitive) return path.startsWith(this.text);
    return path.length >= this.text.length && asciiLower(path.slice(0, this.text.length)) === this.text;
  }

  /** Everything but the path. */
  matchesRest(headers: RequestHeaders, random: StreamRandom, connection: MatchConnection): boolean {
    if (this.fraction !== null && !this.fraction.includes(random.value())) return false;
    if (this.grpc && !isGrpcRequest(headers)) return false;
    if (!allMatch(this.headers, headers)) return false;
    for (let i = 0; i < this.query.length; i++) if (!this.query[i].matches(headers)) return false;
    for (let i = 0; i < this.cookies.length; i++) if (!this.cookies[i].matches(headers)) return false;
    if (
      this.certificatePresented !== null &&
      (connection.peerCertificatePresented ?? false) !== this.certificatePresented
    )
      return false;
    return (
      this.certificateValidated === null || (connection.peerCertificateValidated ?? false) === this.certificateValidated
    );
  }

  /** Length of the part of `path` that prefix_rewrite replaces. */
  matchedLength(path: string): number {
    switch (this.kind) {
      case PathKind.PREFIX:
      case PathKind.EXACT:
      case PathKind.SEPARATED:
        return this.text.length;
      case PathKind.REGEX:
      case PathKind.TEMPLATE:
      case PathKind.CONNECT:
        return pathLength(path);
      default:
        return 0;
    }
  }
}

function endsAt(path: string, at: number): boolean {
  if (path.length === at) return true;
  const code = path.charCodeAt(at);
  return code === QUESTION || code === HASH;
}

function withoutQuery(path: string): string {
  const end = pathLength(path);
  return end === path.length ? path : path.slice(0, end);
}

/** The path without the parameters of its segments: `/a;x=1/b;y?q` becomes `/a/b?q`. */
export function withoutParameters(path: string): string {
  const end = pathLength(path);
  let at = path.indexOf(';');
  if (at < 0 || at >= end) return path;
  let out = '';
  let from = 0;
  while (at >= 0 && at < end) {
    out += path.slice(from, at);
    const slash = path.indexOf('/', at);
    from = slash < 0 || slash > end ? end : slash;
    at = path.indexOf(';', from);
  }
  return out + path.slice(from);
}
