import { H, type HeaderName, permanentName } from '../../base/header-names.js';
import { type RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import type { Random } from '../../base/random.js';
import type { RouteEntry } from '../../router/route-entry.js';
import { Fraction } from '../../router/route-match.js';
import { compileStringMatcher, type ValueMatcher } from '../../router/string-matcher.js';
import type { Any, CorsPolicy, FilterCorsPolicy, RouteConfiguration } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, sharedStats } from './deps.js';
import type { RouteSettings } from './route-settings.js';

const REQUEST_METHOD = permanentName('access-control-request-method');
const REQUEST_PRIVATE_NETWORK = permanentName('access-control-request-private-network');
const ALLOW_ORIGIN = permanentName('access-control-allow-origin');
const ALLOW_METHODS = permanentName('access-control-allow-methods');
const ALLOW_HEADERS = permanentName('access-control-allow-headers');
const ALLOW_CREDENTIALS = permanentName('access-control-allow-credentials');
const ALLOW_PRIVATE_NETWORK = permanentName('access-control-allow-private-network');
const EXPOSE_HEADERS = permanentName('access-control-expose-headers');
const MAX_AGE = permanentName('access-control-max-age');

/** `http.<stat_prefix>.cors.` */
export class CorsStats {
  origin_invalid = 0;
  origin_valid = 0;
}

type Policy = CorsPolicy | FilterCorsPolicy;

/** The policies of all levels of a route, most specific first: each value comes from the first that has it. */
class CorsPolicies implements StreamFilterFactory {
  private readonly enabled: Fraction | null;
  private readonly shadow: Fraction | null;
  private readonly origins: readonly ValueMatcher[];
  private readonly credentials: boolean;
  private readonly privateNetwork: boolean;
  readonly forwardOthers: boolean;
  /** What an answer to a preflight carries besides the origin. */
  private readonly preflight: readonly (readonly [HeaderName, string])[];
  private readonly expose: string;

  constructor(
    policies: readonly Policy[],
    readonly stats: CorsStats,
  ) {
    const first = policies[0];
    const text = (field: 'allow_methods' | 'allow_headers' | 'expose_headers' | 'max_age') =>
      policies.find((policy) => policy[field] !== '')?.[field] ?? '';
    const flag = (
      field: 'allow_credentials' | 'allow_private_network_access' | 'forward_not_matching_preflights',
      otherwise: boolean,
    ) => policies.find((policy) => policy[field] !== undefined)?.[field] ?? otherwise;
    this.enabled = first.filter_enabled === undefined ? null : new Fraction(first.filter_enabled);
    this.shadow = first.shadow_enabled === undefined ? null : new Fraction(first.shadow_enabled);
    const origins = policies.find((policy) => policy.allow_origin_string_match.length > 0);
    this.origins = (origins?.allow_origin_string_match ?? []).map(compileStringMatcher);
    this.credentials = flag('allow_credentials', false);
    this.privateNetwork = flag('allow_private_network_access', false);
    this.forwardOthers = flag('forward_not_matching_preflights', true);
    this.expose = text('expose_headers');
    const named: [HeaderName, string][] = [
      [ALLOW_METHODS, text('allow_methods')],
      [ALLOW_HEADERS, text('allow_headers')],
      [MAX_AGE, text('max_age')],
    ];
    this.preflight = named.filter(([, value]) => value !== '');
  }

  create(filters: StreamFilters): StreamFilter {
    return new CorsFilter(filters, this);
  }

  isEnabled(random: Random): boolean {
    return this.enabled === null || this.enabled.includes(random.u32());
  }

  isShadow(random: Random): boolean {
    return this.shadow?.includes(random.u32()) === true;
  }

  allows(origin: string): boolean {
    for (const matcher of this.origins) if (matcher.matches('*') || matcher.matches(origin)) return true;
    return false;
  }

  /** On every response to an allowed origin. */
  mark(headers: ResponseHeaders, origin: string): void {
    headers.set(ALLOW_ORIGIN, origin);
    if (this.credentials) headers.set(ALLOW_CREDENTIALS, 'true');
    if (this.expose !== '') headers.set(EXPOSE_HEADERS, this.expose);
  }

  /** The answer to a preflight; `mark` adds the rest when the origin is allowed. */
  answer(request: RequestHeaders): ResponseHeaders {
    const headers = new ResponseHeaders(200);
    if (this.credentials) headers.set(ALLOW_CREDENTIALS, 'true');
    if (this.privateNetwork && request.get(REQUEST_PRIVATE_NETWORK) === 'true')
      headers.set(ALLOW_PRIVATE_NETWORK, 'true');
    for (const [name, value] of this.preflight) headers.set(name, value);
    return headers;
  }
}

/** Answers preflights and marks responses to allowed origins (CorsPolicy). Requests of other origins pass unmarked. */
class CorsFilter extends StreamFilter {
  /** Empty until the origin is known to be allowed. */
  private origin = '';

  constructor(
    filters: StreamFilters,
    private readonly policies: CorsPolicies,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { policies, stream } = this;
    const { random } = stream.dispatcher;
    const enabled = policies.isEnabled(random);
    if (!enabled && !policies.isShadow(random)) return Step.CONTINUE;
    const origin = headers.get(H.origin);
    if (origin === undefined || origin === '') return Step.CONTINUE;
    const preflight = headers.method === 'OPTIONS' && (headers.get(REQUEST_METHOD) ?? '') !== '';
    if (!policies.allows(origin)) {
      policies.stats.origin_invalid++;
      if (!enabled || !preflight || policies.forwardOthers) return Step.CONTINUE;
      return this.answer(policies.answer(headers));
    }
    policies.stats.origin_valid++;
    if (!enabled) return Step.CONTINUE;
    this.origin = origin;
    if (!preflight) return Step.CONTINUE;
    return this.answer(policies.answer(headers));
  }

  private answer(headers: ResponseHeaders): Step {
    const { stream } = this;
    stream.info.details = 'cors_response';
    stream.encodeHeaders(headers, true);
    return Step.STOP_AND_WATERMARK;
  }

  override encodeHeaders(headers: ResponseHeaders): void {
    if (this.origin !== '') this.policies.mark(headers, this.origin);
  }
}

/** Policies in the fields of the route and its virtual host, used when no level has settings for the filter. */
function policiesOfRoute(route: RouteEntry | null, host: { cors?: CorsPolicy } | null): Policy[] {
  const policies: Policy[] = [];
  const own = route?.config?.route?.cors;
  if (own !== undefined) policies.push(own);
  if (host?.cors !== undefined) policies.push(host.cors);
  return policies;
}

/** `envoy.filters.http.cors`; it does nothing on a route without a policy. */
export function compileCors(
  deps: FilterDeps,
  hostOf: (route: RouteEntry) => RouteConfiguration['virtual_hosts'][number] | null,
): HttpFilterConfig {
  const stats = sharedStats(deps.store, `${deps.statPrefix}cors.`, CorsStats);
  const make = (policies: readonly Policy[]) => new CorsPolicies(policies, stats);
  return {
    checkRoute: (config: Any) => void make([config as unknown as FilterCorsPolicy]),
    forRoute({ levels }: RouteSettings, route: RouteEntry | null): StreamFilterFactory | null {
      if (levels.length > 0) return make(levels as unknown as FilterCorsPolicy[]);
      const policies = policiesOfRoute(route, route === null ? null : hostOf(route));
      return policies.length === 0 ? null : make(policies);
    },
  };
}
