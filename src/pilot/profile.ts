/**
 * What an Istio release writes into a route for a timeout, and the other defaults that changed between releases.
 *
 * One `timeout` of a VirtualService becomes up to four fields of Envoy's RouteAction: `timeout` always, and, as the
 * release has it, `max_grpc_timeout`, `max_stream_duration.max_stream_duration` and
 * `max_stream_duration.grpc_timeout_header_max`. Two of them with the same length (Istio 1.8 and 1.9.0) race.
 */
export interface TimeoutFields {
  maxGrpcTimeout: FieldValue;
  maxStreamDuration: FieldValue;
  grpcTimeoutHeaderMax: FieldValue;
}

/** `route`: the length of the route's timeout; `zero`: written as 0; `absent`: not written. */
export type FieldValue = 'route' | 'zero' | 'absent';

export interface Profile {
  /** As it was asked for, such as `istio-1.8`. */
  name: string;
  /** Major, minor and patch release of Istio. */
  version: readonly [number, number, number];
  /** The Envoy release that this Istio shipped. */
  envoy: string;
  /** Fields of a route whose VirtualService sets a timeout. */
  timeout: TimeoutFields;
  /** Fields of an outbound route without a timeout; `timeout` itself is then 0. */
  noTimeout: TimeoutFields;
  /** Fields of the inbound route, whose `timeout` is 0. */
  inbound: TimeoutFields;
  /** `retriable_status_codes` of the default retry policy. */
  defaultRetriableStatusCodes: readonly number[];
  /** Whether inbound routes retry requests that were reset before they were sent. */
  inboundRetries: boolean;
  defaultLoadBalancer: 'ROUND_ROBIN' | 'LEAST_REQUEST';
  /** Whether a virtual host lists every name with the port too, instead of ignoring the port of the Host header. */
  domainsWithPort: boolean;
  /** Whether a virtual host lists the full name with a trailing dot. */
  trailingDotDomains: boolean;
  /** Whether `-shadow` is appended to the host of a mirrored request. */
  shadowSuffix: boolean;
  /** Whether DestinationRule `http2KeepAlive` exists. */
  http2KeepAlive: boolean;
}

/** Fields that hold from a release on, until a later row says otherwise. */
interface Row extends Partial<Omit<Profile, 'name' | 'version'>> {
  from: readonly [number, number, number];
}

const TIMEOUT_GRPC: TimeoutFields = {
  maxGrpcTimeout: 'route',
  maxStreamDuration: 'absent',
  grpcTimeoutHeaderMax: 'absent',
};
const NONE_GRPC: TimeoutFields = {
  maxGrpcTimeout: 'zero',
  maxStreamDuration: 'absent',
  grpcTimeoutHeaderMax: 'absent',
};
const NONE_STREAM: TimeoutFields = {
  maxGrpcTimeout: 'absent',
  maxStreamDuration: 'zero',
  grpcTimeoutHeaderMax: 'absent',
};
const ALL_ZERO: TimeoutFields = { maxGrpcTimeout: 'absent', maxStreamDuration: 'zero', grpcTimeoutHeaderMax: 'zero' };

/** The releases that changed something, oldest first. Patch releases of a later minor repeat what a back-port undid. */
const ROWS: readonly Row[] = [
  {
    from: [1, 5, 0],
    envoy: '1.13',
    timeout: TIMEOUT_GRPC,
    noTimeout: NONE_GRPC,
    inbound: NONE_GRPC,
    defaultRetriableStatusCodes: [503],
    inboundRetries: false,
    defaultLoadBalancer: 'ROUND_ROBIN',
    domainsWithPort: true,
    trailingDotDomains: false,
    shadowSuffix: true,
    http2KeepAlive: false,
  },
  { from: [1, 6, 0], envoy: '1.14' },
  { from: [1, 7, 0], envoy: '1.15' },
  {
    from: [1, 8, 0],
    envoy: '1.16',
    timeout: { maxGrpcTimeout: 'absent', maxStreamDuration: 'route', grpcTimeoutHeaderMax: 'absent' },
    noTimeout: NONE_STREAM,
    inbound: NONE_STREAM,
  },
  {
    from: [1, 9, 0],
    envoy: '1.17',
    timeout: { maxGrpcTimeout: 'absent', maxStreamDuration: 'route', grpcTimeoutHeaderMax: 'route' },
  },
  {
    from: [1, 9, 1],
    timeout: { maxGrpcTimeout: 'absent', maxStreamDuration: 'zero', grpcTimeoutHeaderMax: 'route' },
  },
  { from: [1, 10, 0], envoy: '1.18', timeout: TIMEOUT_GRPC, noTimeout: NONE_GRPC, inbound: ALL_ZERO },
  { from: [1, 11, 0], envoy: '1.19' },
  { from: [1, 12, 0], envoy: '1.20' },
  { from: [1, 13, 0], envoy: '1.21' },
  { from: [1, 14, 0], envoy: '1.22', defaultLoadBalancer: 'LEAST_REQUEST' },
  { from: [1, 14, 4], noTimeout: ALL_ZERO },
  { from: [1, 14, 6], noTimeout: NONE_GRPC },
  { from: [1, 15, 0], envoy: '1.23', noTimeout: ALL_ZERO, domainsWithPort: false },
  { from: [1, 15, 4], noTimeout: NONE_GRPC },
  { from: [1, 16, 0], envoy: '1.24', noTimeout: ALL_ZERO },
  { from: [1, 16, 1], noTimeout: NONE_GRPC },
  { from: [1, 17, 0], envoy: '1.25' },
  { from: [1, 18, 0], envoy: '1.26' },
  { from: [1, 19, 0], envoy: '1.27' },
  { from: [1, 20, 0], envoy: '1.28' },
  { from: [1, 21, 0], envoy: '1.29' },
  { from: [1, 22, 0], envoy: '1.30' },
  { from: [1, 23, 0], envoy: '1.31' },
  { from: [1, 24, 0], envoy: '1.32', defaultRetriableStatusCodes: [], inboundRetries: true },
  { from: [1, 25, 0], envoy: '1.33' },
  { from: [1, 26, 0], envoy: '1.34' },
  { from: [1, 27, 0], envoy: '1.35', trailingDotDomains: true, shadowSuffix: false },
  { from: [1, 28, 0], envoy: '1.36' },
  { from: [1, 29, 0], envoy: '1.37' },
  { from: [1, 30, 0], envoy: '1.38' },
  { from: [1, 31, 0], envoy: '1.40', http2KeepAlive: true },
];

/** The newest release known here, which `istio` and `istio-current` mean. */
const CURRENT = [1, 31, 0] as const;

/** `istio-1.10-alpha0` wrote both durations for an Envoy that ignores `timeout` when the message is there. */
const ALPHA: Partial<Profile> = {
  envoy: '1.18',
  timeout: { maxGrpcTimeout: 'absent', maxStreamDuration: 'route', grpcTimeoutHeaderMax: 'route' },
  noTimeout: ALL_ZERO,
};

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

/** What may be asked for, as a message says it. */
export const PROFILE_NAMES =
  'istio-1.5 to istio-1.31, a patch release of these such as istio-1.9.1, istio-1.10-alpha0, or istio-current';

/**
 * The profile of an Istio release: `istio-1.8`, `istio-1.9.1`, `istio-1.10+` (the newest), `istio-1.10-alpha0`,
 * `istio` and `istio-current`. A minor release without a patch is its first one. Null for anything else.
 */
export function profileNamed(name: string): Profile | null {
  let version: readonly [number, number, number];
  const alpha = name === 'istio-1.10-alpha0';
  if (alpha) version = [1, 10, 0];
  else if (name === 'istio' || name === 'istio-current' || name === 'istio-1.10+') version = CURRENT;
  else {
    const parts = /^istio-(\d+)\.(\d+)(?:\.(\d+))?$/.exec(name);
    if (parts === null) return null;
    version = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
    if (isBefore(version, ROWS[0].from) || version[0] !== 1 || version[1] > CURRENT[1]) return null;
  }
  const fields: Record<string, unknown> = {};
  for (const { from, ...changed } of ROWS) if (!isBefore(version, from)) Object.assign(fields, changed);
  if (alpha) Object.assign(fields, ALPHA);
  return { ...(fields as unknown as Omit<Profile, 'name' | 'version'>), name, version };
}
