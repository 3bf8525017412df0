import { type HeaderMap, RequestHeaders } from '../base/headers.js';
import { compileCel } from './cel.js';
import { FLAGS, type Flag } from './flags.js';
import type { AccessLogType, FormatDeps } from './format-types.js';
import { grpcStatus, grpcStatusNumber } from './grpc-status.js';
import type { StreamInfo } from './stream-info.js';

/** The filters of access loggers (`envoy.config.accesslog.v3.AccessLogFilter`): does a stream get a line? */
export type LogPredicate = (info: StreamInfo, type: AccessLogType) => boolean;

export interface Comparison {
  comparison: { op: string; value?: { default_value?: number; runtime_key?: string } };
}

/** Structural: what the decoded configuration has. Exactly one field is set. */
export interface AccessLogFilterConfig {
  status_code_filter?: Comparison;
  duration_filter?: Comparison;
  not_health_check_filter?: object;
  traceable_filter?: object;
  runtime_filter?: {
    runtime_key: string;
    percent_sampled?: { numerator?: number; denominator?: string };
    use_independent_randomness?: boolean;
  };
  and_filter?: { filters: readonly AccessLogFilterConfig[] };
  or_filter?: { filters: readonly AccessLogFilterConfig[] };
  header_filter?: { header: object };
  response_flag_filter?: { flags?: readonly string[] };
  grpc_status_filter?: { statuses?: readonly string[]; exclude?: boolean };
  log_type_filter?: { types?: readonly string[]; exclude?: boolean };
  metadata_filter?: object;
  extension_filter?: { name?: string; typed_config?: object };
}

export interface FilterDeps extends FormatDeps {
  /** Integer value of a runtime key, or undefined when it is not set. */
  runtime(key: string): number | undefined;
  /** Compiles `envoy.config.route.v3.HeaderMatcher`. */
  headerMatcher(config: object): { matches(headers: HeaderMap): boolean };
}

const KNOWN = [
  'status_code_filter',
  'duration_filter',
  'not_health_check_filter',
  'runtime_filter',
  'and_filter',
  'or_filter',
  'header_filter',
  'response_flag_filter',
  'grpc_status_filter',
  'log_type_filter',
  'extension_filter with a CEL ExpressionFilter',
];
const DENOMINATORS: Record<string, number> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };
const NO_HEADERS = new RequestHeaders();

/** @throws Error naming the field when a filter is not supported or wrong */
export function compileLogFilter(config: AccessLogFilterConfig, deps: FilterDeps): LogPredicate {
  if (config.status_code_filter !== undefined) {
    return comparison(config.status_code_filter, deps, (info) => info.responseCode);
  }
  if (config.duration_filter !== undefined) {
    const { clock } = deps;
    return comparison(config.duration_filter, deps, (info) =>
      Math.floor((info.end < 0 ? clock.monotonic() : info.end) - info.start),
    );
  }
  if (config.not_health_check_filter !== undefined) return (info) => info.healthCheck !== true;
  if (config.runtime_filter !== undefined) return runtimeFilter(config.runtime_filter, deps);
  if (config.and_filter !== undefined) {
    const filters = all(config.and_filter.filters, 'and_filter', deps);
    return (info, type) => filters.every((filter) => filter(info, type));
  }
  if (config.or_filter !== undefined) {
    const filters = all(config.or_filter.filters, 'or_filter', deps);
    return (info, type) => filters.some((filter) => filter(info, type));
  }
  if (config.header_filter !== undefined) {
    const matcher = deps.headerMatcher(config.header_filter.header);
    return (info) => matcher.matches(info.requestHeaders ?? NO_HEADERS);
  }
  if (config.response_flag_filter !== undefined) return flagFilter(config.response_flag_filter.flags ?? []);
  if (config.grpc_status_filter !== undefined) return grpcFilter(config.grpc_status_filter);
  if (config.log_type_filter !== undefined) {
    const types = new Set<string>(config.log_type_filter.types ?? []);
    const exclude = config.log_type_filter.exclude === true;
    return (_info, type) => types.has(type) !== exclude;
  }
  const expression = (config.extension_filter?.typed_config as { expression?: unknown } | undefined)?.expression;
  if (typeof expression === 'string') return compileCel(expression);
  const set = Object.keys(config).find((key) => (config as Record<string, unknown>)[key] !== undefined);
  throw new Error(`access log filter ${set ?? '(none)'} is not supported; allowed: ${KNOWN.join(', ')}`);
}

function all(configs: readonly AccessLogFilterConfig[], name: string, deps: FilterDeps): LogPredicate[] {
  if (configs.length < 2) throw new Error(`${name}: at least two filters are required`);
  return configs.map((config) => compileLogFilter(config, deps));
}

function comparison(
  { comparison: { op, value } }: Comparison,
  deps: FilterDeps,
  read: (info: StreamInfo) => number,
): LogPredicate {
  const key = value?.runtime_key ?? '';
  const fallback = value?.default_value ?? 0;
  const limit = key === '' ? () => fallback : () => deps.runtime(key) ?? fallback;
  switch (op) {
    case 'EQ':
      return (info) => read(info) === limit();
    case 'GE':
      return (info) => read(info) >= limit();
    case 'LE':
      return (info) => read(info) <= limit();
    case 'NE':
      return (info) => read(info) !== limit();
    default:
      throw new Error(`comparison.op: unknown value ${op}; allowed: EQ, GE, LE, NE`);
  }
}

function runtimeFilter(
  config: NonNullable<AccessLogFilterConfig['runtime_filter']>,
  { runtime, random }: FilterDeps,
): LogPredicate {
  const { runtime_key: key, percent_sampled: percent, use_independent_randomness: independent } = config;
  const name = percent?.denominator ?? 'HUNDRED';
  const denominator = DENOMINATORS[name];
  if (denominator === undefined) {
    throw new Error(`percent_sampled.denominator: unknown value ${name}; allowed: HUNDRED, TEN_THOUSAND, MILLION`);
  }
  const numerator = percent?.numerator ?? 0;
  return (info) => {
    const override = runtime(key);
    const of = override === undefined ? denominator : 100;
    const sampled = independent === true ? null : uuidMod(info.streamId, of);
    return (sampled ?? random.u32() % of) < (override ?? numerator);
  };
}

/** The first 32 bits of a UUID, so that every proxy on the way decides alike; null when it is none. */
function uuidMod(uuid: string, by: number): number | null {
  if (uuid.length < 8) return null;
  const value = Number(`0x${uuid.slice(0, 8)}`);
  return Number.isNaN(value) ? null : value % by;
}

function flagFilter(flags: readonly string[]): LogPredicate {
  for (const flag of flags) {
    if (!Object.hasOwn(FLAGS, flag)) {
      throw new Error(`response_flag_filter.flags: unknown flag ${flag}; allowed: ${Object.keys(FLAGS).join(', ')}`);
    }
  }
  if (flags.length === 0) return (info) => info.flags.length > 0;
  const wanted = new Set(flags as readonly Flag[]);
  return (info) => info.flags.some((flag) => wanted.has(flag));
}

function grpcFilter({
  statuses = [],
  exclude = false,
}: NonNullable<AccessLogFilterConfig['grpc_status_filter']>): LogPredicate {
  const wanted = new Set(
    statuses.map((name) => {
      const status = grpcStatusNumber(name);
      if (status === undefined) throw new Error(`grpc_status_filter.statuses: unknown status ${name}`);
      return status;
    }),
  );
  const UNKNOWN = 2;
  return (info) => wanted.has(grpcStatus(info) ?? UNKNOWN) !== exclude;
}
