import { type HeaderName, permanentName } from '../base/header-names.js';
import type { HeaderMap } from '../base/headers.js';
import type { FieldRef } from '../config/position.js';
import type { Host } from '../upstream/types.js';
import type {
  OmitHostMetadataConfig,
  PreviousPrioritiesConfig,
  RetryHostPredicate,
  RetryPolicy,
} from '../xds/types.js';
import { compileHeaderMatcher, type HeaderMatcher } from './header-matcher.js';
import { originOf, refuse, reporting } from './refuse.js';
import { unsigned } from './timeouts.js';

/** Conditions of `retry_on` as bits. */
export const RetryOn = {
  FIVE_XX: 1 << 0,
  GATEWAY_ERROR: 1 << 1,
  CONNECT_FAILURE: 1 << 2,
  RETRIABLE_4XX: 1 << 3,
  REFUSED_STREAM: 1 << 4,
  GRPC_CANCELLED: 1 << 5,
  GRPC_DEADLINE_EXCEEDED: 1 << 6,
  GRPC_RESOURCE_EXHAUSTED: 1 << 7,
  GRPC_UNAVAILABLE: 1 << 8,
  GRPC_INTERNAL: 1 << 9,
  RETRIABLE_STATUS_CODES: 1 << 10,
  RESET: 1 << 11,
  RETRIABLE_HEADERS: 1 << 12,
  ENVOY_RATELIMITED: 1 << 13,
  RESET_BEFORE_REQUEST: 1 << 14,
} as const;

/** Names of x-envoy-retry-on. http3-post-connect-failure is known and never comes about. */
const NAMES: Readonly<Record<string, number>> = {
  '5xx': RetryOn.FIVE_XX,
  'gateway-error': RetryOn.GATEWAY_ERROR,
  'connect-failure': RetryOn.CONNECT_FAILURE,
  'retriable-4xx': RetryOn.RETRIABLE_4XX,
  'refused-stream': RetryOn.REFUSED_STREAM,
  'retriable-status-codes': RetryOn.RETRIABLE_STATUS_CODES,
  'retriable-headers': RetryOn.RETRIABLE_HEADERS,
  reset: RetryOn.RESET,
  'reset-before-request': RetryOn.RESET_BEFORE_REQUEST,
  'envoy-ratelimited': RetryOn.ENVOY_RATELIMITED,
  'http3-post-connect-failure': 0,
};

/** Names of x-envoy-retry-grpc-on. */
const GRPC_NAMES: Readonly<Record<string, number>> = {
  cancelled: RetryOn.GRPC_CANCELLED,
  'deadline-exceeded': RetryOn.GRPC_DEADLINE_EXCEEDED,
  'resource-exhausted': RetryOn.GRPC_RESOURCE_EXHAUSTED,
  unavailable: RetryOn.GRPC_UNAVAILABLE,
  internal: RetryOn.GRPC_INTERNAL,
};

export interface ParsedRetryOn {
  bits: number;
  /** Every word was known; the router's strict_check_headers asks. */
  valid: boolean;
}

function parse(text: string, names: Readonly<Record<string, number>>): ParsedRetryOn {
  let bits = 0;
  let valid = true;
  for (const word of text.split(',')) {
    const name = word.trim();
    if (name === '') continue;
    if (Object.hasOwn(names, name)) bits |= names[name];
    else valid = false;
  }
  return { bits, valid };
}

export function parseRetryOn(text: string): ParsedRetryOn {
  return parse(text, NAMES);
}

export function parseRetryGrpcOn(text: string): ParsedRetryOn {
  return parse(text, GRPC_NAMES);
}

/** A header that tells how long to wait (rate_limited_retry_back_off.reset_headers). */
export class ResetHeader {
  private readonly name: HeaderName;

  constructor(
    name: string,
    private readonly timestamp: boolean,
  ) {
    this.name = permanentName(name);
  }

  /** Milliseconds from now, or null when the header is absent, no number, or lies in the past. */
  interval(headers: HeaderMap, wall: number): number | null {
    const text = headers.get(this.name);
    const seconds = text === undefined ? null : unsigned(text.trim());
    if (seconds === null) return null;
    if (!this.timestamp) return seconds * 1000;
    const now = Math.floor(wall / 1000);
    return seconds < now ? null : (seconds - now) * 1000;
  }
}

/** Rejects a host for a retry (retry_host_predicate). `attempted` are the hosts of earlier attempts. */
export interface HostPredicate {
  rejects(host: Host, attempted: readonly Host[]): boolean;
}

const previousHosts: HostPredicate = {
  rejects: (host, attempted) => {
    for (let i = 0; i < attempted.length; i++) if (attempted[i].address === host.address) return true;
    return false;
  },
};

const canaryHosts: HostPredicate = { rejects: (host) => host.canary };

class HostsWithMetadata implements HostPredicate {
  private readonly wanted: readonly (readonly [string, string])[];
  constructor(config: OmitHostMetadataConfig) {
    const fields = config.metadata_match?.filter_metadata['envoy.lb'] ?? {};
    this.wanted = Object.entries(fields).map(([key, value]) => [key, JSON.stringify(value)] as const);
  }
  rejects(host: Host): boolean {
    const metadata = host.metadata['envoy.lb'];
    for (const [key, text] of this.wanted)
      if (metadata === undefined || JSON.stringify(metadata[key]) !== text) return false;
    return this.wanted.length > 0;
  }
}

/** `envoy.config.route.v3.RetryPolicy`, compiled. Durations are milliseconds. */
export interface CompiledRetryPolicy {
  readonly retryOn: number;
  readonly numRetries: number;
  /** Each attempt, from its request being complete and attached to an upstream stream; 0 is off. */
  readonly perTryTimeout: number;
  readonly perTryTimeoutRef: FieldRef;
  /** Silence of the upstream in an attempt; 0 is off. */
  readonly perTryIdleTimeout: number;
  readonly perTryIdleTimeoutRef: FieldRef;
  readonly retriableStatusCodes: readonly number[];
  readonly retriableHeaders: readonly HeaderMatcher[];
  /** When not empty, only requests that one of these matches are retried. */
  readonly retriableRequestHeaders: readonly HeaderMatcher[];
  readonly baseInterval: number;
  readonly maxInterval: number;
  readonly backOffRef: FieldRef;
  readonly resetHeaders: readonly ResetHeader[];
  readonly resetMaxInterval: number;
  readonly hostSelectionMaxAttempts: number;
  readonly hostPredicates: readonly HostPredicate[];
  /** previous_priorities: recompute after so many attempts; null when it is not configured. */
  readonly previousPrioritiesUpdateFrequency: number | null;
}

const DEFAULT_BASE_INTERVAL = 25;
const DEFAULT_RESET_MAX_INTERVAL = 300_000;

/** The policy of a request that asks for retries itself while its route has none. */
export const NO_RETRY_POLICY: CompiledRetryPolicy = {
  retryOn: 0,
  numRetries: 1,
  perTryTimeout: 0,
  perTryTimeoutRef: { path: '(default)', position: null },
  perTryIdleTimeout: 0,
  perTryIdleTimeoutRef: { path: '(default)', position: null },
  retriableStatusCodes: [],
  retriableHeaders: [],
  retriableRequestHeaders: [],
  baseInterval: DEFAULT_BASE_INTERVAL,
  maxInterval: 10 * DEFAULT_BASE_INTERVAL,
  backOffRef: { path: '(default)', position: null },
  resetHeaders: [],
  resetMaxInterval: DEFAULT_RESET_MAX_INTERVAL,
  hostSelectionMaxAttempts: 1,
  hostPredicates: [],
  previousPrioritiesUpdateFrequency: null,
};

/** @throws ConfigError for an unknown extension and for a header matcher that does not compile */
export function compileRetryPolicy(config: RetryPolicy): CompiledRetryPolicy {
  const backOff = config.retry_back_off;
  const baseInterval = backOff === undefined ? DEFAULT_BASE_INTERVAL : Math.max(1, Math.floor(backOff.base_interval));
  const maxInterval = backOff?.max_interval === undefined ? baseInterval * 10 : Math.floor(backOff.max_interval);
  const limited = config.rate_limited_retry_back_off;
  return {
    retryOn: parseRetryOn(config.retry_on).bits | parseRetryGrpcOn(config.retry_on).bits,
    numRetries: config.num_retries ?? 1,
    perTryTimeout: Math.floor(config.per_try_timeout ?? 0),
    perTryTimeoutRef: originOf(config, 'per_try_timeout'),
    perTryIdleTimeout: Math.floor(config.per_try_idle_timeout ?? 0),
    perTryIdleTimeoutRef: originOf(config, 'per_try_idle_timeout'),
    retriableStatusCodes: config.retriable_status_codes,
    retriableHeaders: reporting(config, 'retriable_headers', () => config.retriable_headers.map(compileHeaderMatcher)),
    retriableRequestHeaders: reporting(config, 'retriable_request_headers', () =>
      config.retriable_request_headers.map(compileHeaderMatcher),
    ),
    baseInterval,
    maxInterval,
    backOffRef: originOf(config, 'retry_back_off'),
    resetHeaders: (limited?.reset_headers ?? []).map(
      (one) => new ResetHeader(one.name, one.format === 'UNIX_TIMESTAMP'),
    ),
    resetMaxInterval: Math.floor(limited?.max_interval ?? DEFAULT_RESET_MAX_INTERVAL),
    hostSelectionMaxAttempts: config.host_selection_retry_max_attempts || 1,
    hostPredicates: config.retry_host_predicate.map(compilePredicate),
    previousPrioritiesUpdateFrequency: compilePriority(config),
  };
}

function compilePredicate(config: RetryHostPredicate): HostPredicate {
  const kind = extensionKind(config.name, config.typed_config?.['@type']);
  switch (kind) {
    case 'PreviousHostsPredicate':
    case 'previous_hosts':
      return previousHosts;
    case 'OmitCanaryHostsPredicate':
    case 'omit_canary_hosts':
      return canaryHosts;
    case 'OmitHostMetadataConfig':
      return new HostsWithMetadata(config.typed_config as unknown as OmitHostMetadataConfig);
    default:
      return refuse(config, 'name', `unknown retry host predicate '${config.name}'`);
  }
}

function compilePriority(config: RetryPolicy): number | null {
  const priority = config.retry_priority;
  if (priority === undefined) return null;
  if (extensionKind(priority.name, priority.typed_config?.['@type']) !== 'PreviousPrioritiesConfig')
    refuse(config, 'retry_priority', `unknown retry priority '${priority.name}'`);
  return (priority.typed_config as unknown as PreviousPrioritiesConfig).update_frequency;
}

/** Short name of the message of an extension, or the last part of its name when it has no configuration. */
function extensionKind(name: string, type: string | undefined): string {
  const text = type ?? name;
  return text.slice(text.lastIndexOf('.') + 1);
}
