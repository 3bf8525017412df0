/**
 * Envoy bootstraps. A scenario contributes one listener and its clusters; many scenarios share one bootstrap file, which
 * both Envoy and halfopen are given.
 */
const TYPE = 'type.googleapis.com/envoy.extensions.';

export const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPE}filters.http.router.v3.Router` },
};

const FAULT = `${TYPE}filters.http.fault.v3.HTTPFault`;
export const faultDelay = (fixed_delay) => ({
  name: 'envoy.filters.http.fault',
  typed_config: { '@type': FAULT, delay: { fixed_delay, percentage: { numerator: 100 } } },
});
export const faultAbort = (http_status) => ({
  name: 'envoy.filters.http.fault',
  typed_config: { '@type': FAULT, abort: { http_status, percentage: { numerator: 100 } } },
});

/** Fields of the access log in the order of a line, separated by tabs. */
export const LOG_FIELDS = {
  path: '%REQ(:PATH)%',
  method: '%REQ(:METHOD)%',
  protocol: '%PROTOCOL%',
  code: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  host: '%UPSTREAM_HOST%',
  cluster: '%UPSTREAM_CLUSTER%',
  failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` laid on `base`, deeply; null removes a field. Neither is changed. */
export function merge(base, over) {
  if (over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const out = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete out[key];
    else out[key] = merge(out[key], value);
  }
  return out;
}

const endpoint = ({ host, port }) => ({ endpoint: { address: address(host, port) } });

const address = (host, port) => ({ socket_address: { address: host, port_value: port } });

/** `assign` makes groups of endpoints and the policy of load_assignment out of the hosts; by default they are one group. */
export function cluster(name, endpoints, proto, { cluster: over, http2 = {}, http, assign } = {}) {
  const protocol = proto === 'h2' ? { http2_protocol_options: http2 } : { http_protocol_options: {} };
  return merge(
    {
      name,
      type: 'STATIC',
      connect_timeout: '1s',
      load_assignment: {
        cluster_name: name,
        ...(assign?.(endpoints.map(endpoint)) ?? { endpoints: [{ lb_endpoints: endpoints.map(endpoint) }] }),
      },
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': merge(
          { '@type': `${TYPE}upstreams.http.v3.HttpProtocolOptions`, explicit_http_config: protocol },
          http,
        ),
      },
    },
    over,
  );
}

/** A logger whose lines become facts: the file is `logFile` with `suffix`. */
const ownLogger = (logFile, suffix, format) => ({
  name: 'envoy.access_loggers.file',
  typed_config: {
    '@type': `${TYPE}access_loggers.file.v3.FileAccessLog`,
    path: `${logFile}.${suffix}`,
    log_format: { text_format_source: { inline_string: `${format}\n` } },
  },
});

export function listener(name, port, logFile, spec) {
  const { hcm, route, entry, vhost, listener: over, filters = [], clusterName, lines, upstreamLines } = spec;
  const upstreamLog = upstreamLines && { upstream_log: [ownLogger(logFile, 'upstream', upstreamLines)] };
  const router = merge(ROUTER, { typed_config: { ...upstreamLog, ...spec.router } });
  const routeEntry = merge(
    { name: 'r', match: { prefix: '/' }, route: merge({ cluster: clusterName, timeout: '5s' }, route) },
    entry,
  );
  const manager = merge(
    {
      '@type': `${TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: name,
      codec_type: 'AUTO',
      generate_request_id: false,
      http_filters: [...filters, router],
      access_log: [
        {
          name: 'envoy.access_loggers.file',
          typed_config: {
            '@type': `${TYPE}access_loggers.file.v3.FileAccessLog`,
            path: logFile,
            log_format: { text_format_source: { inline_string: `${Object.values(LOG_FIELDS).join('\t')}\n` } },
          },
        },
        ...(lines ? [ownLogger(logFile, 'lines', lines)] : []),
      ],
      route_config: { name, virtual_hosts: [merge({ name: 'v', domains: ['*'], routes: [routeEntry] }, vhost)] },
    },
    hcm,
  );
  return merge(
    {
      name,
      address: address('127.0.0.1', port),
      filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
    },
    over,
  );
}

export function bootstrap(adminPort, listeners, clusters, server) {
  const whole = {
    node: { id: 'conformance', cluster: 'conformance' },
    admin: { address: address('127.0.0.1', adminPort) },
    static_resources: { listeners, clusters },
  };
  return merge(whole, server);
}
