import { stringify } from 'yaml';
import { formatDuration } from '../config/duration.js';
import type { Row, Settings } from './scenario.js';

/** One hop that a proxy of the lab serves: from its listener to some endpoints. */
export interface Hop {
  /** Host name of the service behind the proxy. */
  host: string;
  listenerPort: number;
  protocol: 'http1' | 'http2';
  endpoints: { address: string; port: number }[];
  /** Route timeout, ms. */
  timeout: number;
  /** Whether the row's cure is configured on this hop. */
  cured: boolean;
}

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/** What a mesh user would write for this hop: ServiceEntry, VirtualService, DestinationRule, and an EnvoyFilter where Istio has no field. */
export function istioDocuments(hop: Hop, row: Row, settings: Settings): string {
  const http2 = hop.protocol === 'http2';
  const port = http2 ? 'http2' : 'http';
  const serviceEntry = document('networking.istio.io/v1', 'ServiceEntry', {
    hosts: [hop.host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: hop.listenerPort, name: port, protocol: http2 ? 'HTTP2' : 'HTTP' }],
    endpoints: hop.endpoints.map((endpoint) => ({ address: endpoint.address, ports: { [port]: endpoint.port } })),
  });
  const virtualService = document('networking.istio.io/v1', 'VirtualService', {
    hosts: [hop.host],
    http: [
      {
        name: 'report',
        timeout: formatDuration(hop.timeout),
        retries: { attempts: 0 },
        route: [{ destination: { host: hop.host } }],
      },
    ],
  });
  const destinationRule = document('networking.istio.io/v1', 'DestinationRule', {
    host: hop.host,
    trafficPolicy: trafficPolicy(hop, row, settings),
  });
  const patches = [...durationPatch(row), ...(hop.cured ? userTimeoutPatch(hop, row, settings) : [])];
  const documents = [serviceEntry, virtualService, destinationRule];
  if (patches.length > 0)
    documents.push(document('networking.istio.io/v1alpha3', 'EnvoyFilter', { configPatches: patches }));
  return documents.map((one) => stringify(one)).join('---\n');
}

function document(apiVersion: string, kind: string, spec: object): object {
  return { apiVersion, kind, metadata: { name: 'lab', namespace: 'default' }, spec };
}

function trafficPolicy(hop: Hop, row: Row, settings: Settings): object {
  const keepalive = hop.cured && row.cure === 'keepalive';
  const http = keepalive && {
    http2KeepAlive: {
      interval: formatDuration(settings.keepaliveInterval),
      timeout: formatDuration(settings.keepaliveTimeout),
    },
  };
  const policy = {
    connectionPool: { tcp: { connectTimeout: formatDuration(settings.connectTimeout) }, ...(http && { http }) },
  };
  if (!hop.cured || row.cure !== 'outlier') return policy;
  return {
    ...policy,
    outlierDetection: {
      consecutive5xxErrors: settings.outlierErrors,
      interval: formatDuration(settings.outlierInterval),
      baseEjectionTime: formatDuration(settings.ejection),
      maxEjectionPercent: 100,
    },
  };
}

/** Max stream duration on the connection manager: Istio 1.8 wrote it by itself, since then it takes an EnvoyFilter. */
function durationPatch(row: Row): object[] {
  if (row.maxStreamDuration === null) return [];
  return [
    {
      applyTo: 'NETWORK_FILTER',
      match: { listener: { filterChain: { filter: { name: 'envoy.filters.network.http_connection_manager' } } } },
      patch: {
        operation: 'MERGE',
        value: {
          typed_config: {
            '@type': HCM,
            common_http_protocol_options: { max_stream_duration: formatDuration(row.maxStreamDuration) },
          },
        },
      },
    },
  ];
}

function userTimeoutPatch(hop: Hop, row: Row, settings: Settings): object[] {
  if (row.cure !== 'user-timeout') return [];
  const option = {
    level: IPPROTO_TCP,
    name: TCP_USER_TIMEOUT,
    int_value: settings.userTimeout,
    state: 'STATE_PREBIND',
  };
  return [
    {
      applyTo: 'CLUSTER',
      match: { cluster: { service: hop.host } },
      patch: {
        operation: 'MERGE',
        value: {
          upstream_bind_config: {
            source_address: { address: '0.0.0.0', port_value: 0 },
            socket_options: [{ description: 'TCP_USER_TIMEOUT, ms', ...option }],
          },
        },
      },
    },
  ];
}
