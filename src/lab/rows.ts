/** One proxy of the lab: a configuration, a profile, and what is expected of it. */
export interface Row {
  name: string;
  /** `--profile` of `halfopen run`. */
  profile: string;
  title: string;
  /** The file that the proxy runs from, for these ports. */
  config(ports: { listener: number; admin: number; server: number; serverHost: string; log: string }): {
    name: string;
    text: string;
  };
  /** Host header of the caller. */
  authority(ports: { listener: number }): string;
  why: string;
}

const TIMEOUT = '1s';

/** VirtualService, DestinationRule and ServiceEntry as a mesh user writes them. */
function istioDocuments(ports: { listener: number; server: number; serverHost: string }, keepalive: boolean): string {
  const pool = keepalive
    ? `
  trafficPolicy:
    connectionPool:
      tcp: {connectTimeout: 500ms}
      http:
        http2KeepAlive: {interval: 1s, timeout: 500ms}`
    : `
  trafficPolicy:
    connectionPool:
      tcp: {connectTimeout: 500ms}`;
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: server, namespace: default}
spec:
  hosts: [server.lab]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: ${ports.listener}, name: http2, protocol: HTTP2}
  endpoints:
  - address: ${ports.serverHost}
    ports: {http2: ${ports.server}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: server, namespace: default}
spec:
  hosts: [server.lab]
  http:
  - name: report
    timeout: ${TIMEOUT}
    retries: {attempts: 0}
    route:
    - destination: {host: server.lab}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: server, namespace: default}
spec:
  host: server.lab${pool}
`;
}

function bootstrap(ports: {
  listener: number;
  admin: number;
  server: number;
  serverHost: string;
  log: string;
}): string {
  const type = 'type.googleapis.com/envoy.extensions';
  return JSON.stringify(
    {
      admin: { address: address('127.0.0.1', ports.admin) },
      static_resources: {
        listeners: [
          {
            name: 'lab',
            address: address('127.0.0.1', ports.listener),
            filter_chains: [
              {
                filters: [
                  {
                    name: 'envoy.filters.network.http_connection_manager',
                    typed_config: {
                      '@type': `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                      stat_prefix: 'lab',
                      common_http_protocol_options: { max_stream_duration: TIMEOUT },
                      route_config: {
                        name: 'lab',
                        virtual_hosts: [
                          {
                            name: 'server',
                            domains: ['*'],
                            routes: [
                              {
                                name: 'report',
                                match: { prefix: '/' },
                                route: { cluster: 'server', timeout: TIMEOUT },
                              },
                            ],
                          },
                        ],
                      },
                      http_filters: [
                        {
                          name: 'envoy.filters.http.router',
                          typed_config: { '@type': `${type}.filters.http.router.v3.Router` },
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
        clusters: [
          {
            name: 'server',
            type: 'STATIC',
            connect_timeout: '0.5s',
            typed_extension_protocol_options: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
                '@type': `${type}.upstreams.http.v3.HttpProtocolOptions`,
                explicit_http_config: { http2_protocol_options: {} },
              },
            },
            load_assignment: {
              cluster_name: 'server',
              endpoints: [{ lb_endpoints: [{ endpoint: { address: address(ports.serverHost, ports.server) } }] }],
            },
          },
        ],
      },
    },
    null,
    1,
  );
}

function address(host: string, port: number): object {
  return { socket_address: { address: host, port_value: port } };
}

const serviceHost = () => 'server.lab';

export const FIELD_REPORT_ROWS: readonly Row[] = [
  {
    name: 'istio-1.8',
    profile: 'istio-1.8',
    title: `VirtualService timeout ${TIMEOUT}, as Istio 1.8 wrote it`,
    config: (ports) => ({ name: 'istio.yaml', text: istioDocuments(ports, false) }),
    authority: serviceHost,
    why:
      'Istio 1.8 made two timers of one timeout: route timeout and max stream duration, both 1 s and both alive. Whichever the ' +
      'event loop pops first answers: 504 upstream request timeout (UT) or 408 downstream duration timeout (-). That is the ' +
      'mixture of the field report.',
  },
  {
    name: 'istio-1.10+',
    profile: 'istio-1.10+',
    title: `VirtualService timeout ${TIMEOUT}, as Istio writes it since 1.10`,
    config: (ports) => ({ name: 'istio.yaml', text: istioDocuments(ports, false) }),
    authority: serviceHost,
    why:
      'One timer is left, the route timeout: every complete request is answered 504 UT. An upload that does not fit into the ' +
      'buffers never completes, so this timer never starts for it: nothing answers until the caller gives up.',
  },
  {
    name: 'envoy-1.40',
    profile: 'envoy-1.40',
    title: `bootstrap with max_stream_duration ${TIMEOUT} and route timeout ${TIMEOUT}`,
    config: (ports) => ({ name: 'envoy.json', text: bootstrap(ports) }),
    authority: serviceHost,
    why:
      'Equal timers toss a coin to this day, but both say 504 once the request is complete: UT response_timeout or - ' +
      'max_duration_timeout. The upload that does not fit is incomplete when its time is up: 408.',
  },
  {
    name: 'keepalive',
    profile: 'istio-1.10+',
    title: `as istio-1.10+, with http2KeepAlive interval 1 s, timeout 0.5 s`,
    config: (ports) => ({ name: 'istio.yaml', text: istioDocuments(ports, true) }),
    authority: serviceHost,
    why:
      'A PING that is not answered within 0.5 s closes the connection: what waits on it gets 503 UC, and the next request opens a ' +
      'new one. Dead connections no longer poison later requests.',
  },
];
