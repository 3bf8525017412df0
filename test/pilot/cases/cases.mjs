/**
 * Cases of our own: documents that are laid over BASE. `flags` are those of the commands; `probes` are requests whose answers are
 * compared with real Envoy: `{path, method, host, headers, body, port}`, host server.test by default.
 */

/** Services by hand, so that every endpoint is a loopback port of its own; 9001 to 9006 are replaced when they run. */
export const BASE = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: server, namespace: default}
spec:
  hosts: [server.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: 9001}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: 9002}, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: other, namespace: default}
spec:
  hosts: [other.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9003}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: rpc, namespace: default}
spec:
  hosts: [rpc.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 9090, name: grpc, protocol: GRPC}]
  endpoints: [{address: 127.0.0.1, ports: {grpc: 9004}}]
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: default}
spec: {clusterIP: 10.96.1.1, selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-db, port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: default, labels: {app: cart, version: v1}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 10.244.1.1, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Service
metadata: {name: far, namespace: prod}
spec: {clusterIP: 10.96.2.1, ports: [{name: http2, port: 80}]}
`;

const V1 = 'destination: {host: server.test, subset: v1}';
const OTHER = 'destination: {host: other.test}';
const SUBSETS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: server, namespace: default}
spec: {host: server.test, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`;
const vs = (http, spec = '') => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: server, namespace: default}
spec:
  hosts: [server.test]
${spec}  http:
${http
  .trim()
  .split('\n')
  .map((l) => `  ${l}`)
  .join('\n')}
`;
const both = (http, spec) => `${SUBSETS}---\n${vs(http, spec)}`;
const dr = (policy, host = 'server.test') => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: rule, namespace: default}
spec:
  host: ${host}
  trafficPolicy: ${policy}
`;
const get = (path, headers = {}, more = {}) => ({ path, headers, ...more });

const cases = {};
const add = (name, documents, probes = [], flags = {}) => {
  if (cases[name] !== undefined) throw new Error(`two cases ${name}`);
  cases[name] = { documents, probes, flags };
};

/** A match that leads to v1; what does not match goes to other.test. */
const match = (name, condition, probes = [], docs = '') =>
  add(
    `match ${name}`,
    `${docs}${both(`- {match: [${condition}], route: [{${V1}}]}\n- {route: [{${OTHER}}]}`)}`,
    probes,
  );

add('nothing', SUBSETS, [get('/', {}, { host: 'other.test' }), get('/', {}, { host: 'nobody.test' })]);
match('uri exact', '{uri: {exact: /a}}', [get('/a'), get('/a?b=c'), get('/a/'), get('/A'), get('/b')]);
match('uri prefix', '{uri: {prefix: /a}}', [get('/a'), get('/ab'), get('/a/b'), get('/b/a'), get('/A')]);
match('uri prefix with a slash', '{uri: {prefix: /a/}}', [get('/a'), get('/a/'), get('/a/b')]);
match('uri regex', "{uri: {regex: '/a/[0-9]+'}}", [get('/a/12'), get('/a/12/b'), get('/a/x'), get('/a/1?q=2')]);
match('uri regex alternatives', "{uri: {regex: '(/a|/b)(/.*)?'}}", [get('/a'), get('/b/c'), get('/c')]);
match('uri ignoring case, exact', '{uri: {exact: /AbC}, ignoreUriCase: true}', [get('/abc'), get('/ABC'), get('/ab')]);
match('uri ignoring case, prefix', '{uri: {prefix: /AbC}, ignoreUriCase: true}', [
  get('/abcd'),
  get('/ABC/x'),
  get('/ab'),
]);
match('uri empty prefix', "{uri: {prefix: ''}}", [get('/'), get('/x')]);
match('scheme', '{scheme: {exact: http}}', [get('/')]);
match('scheme https', '{scheme: {exact: https}}', [get('/')]);
match('method exact', '{method: {exact: POST}}', [get('/', {}, { method: 'POST', body: 'x' }), get('/')]);
match('method regex', "{method: {regex: 'GET|PUT'}}", [
  get('/', {}, { method: 'PUT' }),
  get('/', {}, { method: 'DELETE' }),
]);
match('method prefix', '{method: {prefix: P}}', [get('/', {}, { method: 'PATCH' }), get('/')]);
match('authority exact', '{authority: {exact: server.test}}', [get('/'), get('/', {}, { host: 'server.test:80' })]);
match('authority regex', "{authority: {regex: 'server.*:80'}}", [get('/'), get('/', {}, { host: 'server.test:80' })]);
match('authority prefix', '{authority: {prefix: serv}}', [get('/')]);
match('header exact', '{headers: {x-a: {exact: b}}}', [
  get('/', { 'x-a': 'b' }),
  get('/', { 'x-a': 'B' }),
  get('/'),
  get('/', { 'X-A': 'b' }),
]);
match('header prefix', '{headers: {x-a: {prefix: b}}}', [get('/', { 'x-a': 'bc' }), get('/', { 'x-a': 'cb' })]);
match('header regex', "{headers: {x-a: {regex: 'b+'}}}", [get('/', { 'x-a': 'bbb' }), get('/', { 'x-a': 'bbbc' })]);
match('header present', '{headers: {x-a: {}}}', [get('/', { 'x-a': 'any' }), get('/')]);
match('header in capitals', '{headers: {X-Big: {exact: b}}}', [get('/', { 'x-big': 'b' })]);
match('two headers', '{headers: {x-a: {exact: b}, x-c: {exact: d}}}', [
  get('/', { 'x-a': 'b', 'x-c': 'd' }),
  get('/', { 'x-a': 'b' }),
]);
match('header method', "{headers: {':method': {exact: PUT}}}", [get('/', {}, { method: 'PUT' }), get('/')]);
match('without header', '{withoutHeaders: {x-a: {exact: b}}}', [
  get('/', { 'x-a': 'b' }),
  get('/', { 'x-a': 'c' }),
  get('/'),
]);
match('without any such header', '{withoutHeaders: {x-a: {}}}', [get('/', { 'x-a': 'b' }), get('/')]);
match('without header regex', "{withoutHeaders: {x-a: {regex: 'b.*'}}}", [
  get('/', { 'x-a': 'bc' }),
  get('/', { 'x-a': 'c' }),
]);
match('query exact', "{queryParams: {q: {exact: 'a'}}}", [get('/?q=a'), get('/?q=b'), get('/?x=1&q=a'), get('/')]);
match('query regex', "{queryParams: {q: {regex: '[0-9]+'}}}", [get('/?q=12'), get('/?q=x')]);
match('query prefix', '{queryParams: {q: {prefix: a}}}', [get('/?q=ab'), get('/?q=ba')]);
match('query present', "{queryParams: {q: {exact: ''}}}", [get('/?q='), get('/?q=a')]);
match(
  'several in one',
  '{uri: {prefix: /a}, method: {exact: GET}, headers: {x-a: {exact: b}}, queryParams: {q: {exact: c}}}',
  [get('/a?q=c', { 'x-a': 'b' }), get('/a', { 'x-a': 'b' })],
);
match('port', '{port: 80}', [get('/')]);
match('other port', '{port: 81}', [get('/')]);
match('source labels', '{sourceLabels: {app: client}}', [get('/')]);
match('other source labels', '{sourceLabels: {app: nobody}}', [get('/')]);
match('source namespace', '{sourceNamespace: default}', [get('/')]);
match('other source namespace', '{sourceNamespace: prod}', [get('/')]);
match('gateways', '{gateways: [mesh]}', [get('/')]);
match('other gateways', '{gateways: [default/edge]}', [get('/')]);
match('one of several', '{uri: {exact: /a}}, {uri: {exact: /b}}, {headers: {x-a: {exact: b}}}', [
  get('/a'),
  get('/b'),
  get('/c'),
  get('/c', { 'x-a': 'b' }),
]);
match('names and statistics', '{name: first, statPrefix: pre, uri: {prefix: /a}}', [get('/a')]);
match('path with dots', '{uri: {prefix: /a}}', [get('/x/../a'), get('/./a/b'), get('/a/../b')]);
match('path with escapes', '{uri: {exact: /a b}}', [get('/a%20b'), get('/%61')]);

const action = (name, route, probes = [], spec = '') => add(`action ${name}`, both(`- ${route}`, spec), probes);
action('subset', `{route: [{${V1}}]}`, [get('/')]);
action('missing subset', '{route: [{destination: {host: server.test, subset: none}}]}', [get('/')]);
action('missing host', '{route: [{destination: {host: nowhere.test}}]}', [get('/')]);
action('port', '{route: [{destination: {host: other.test, port: {number: 80}}}]}', [get('/')]);
action('wrong port', '{route: [{destination: {host: other.test, port: {number: 81}}}]}', [get('/')]);
action('short host', '{route: [{destination: {host: cart}}]}');
action('host of a namespace', '{route: [{destination: {host: far.prod}}]}');
action('weights', `{route: [{${V1}, weight: 30}, {${OTHER}, weight: 70}]}`);
action('a weight of nothing', `{route: [{${V1}, weight: 0}, {${OTHER}, weight: 100}]}`, [get('/')]);
action(
  'weights of three',
  `{route: [{${V1}, weight: 1}, {${OTHER}, weight: 2}, {destination: {host: server.test, subset: v2}, weight: 3}]}`,
);
action(
  'headers of a destination',
  `{route: [{${V1}, headers: {request: {set: {x-s: a}, add: {x-t: b}, remove: [x-r]}, response: {set: {x-u: c}, add: {x-v: d}, remove: [x-endpoint]}}}]}`,
  [get('/', { 'x-r': '1', 'x-s': '2', 'x-t': '3' })],
);
action(
  'headers of a route',
  `{headers: {request: {set: {x-s: a}, add: {x-t: b}, remove: [x-r]}, response: {set: {x-u: c}, add: {x-v: d}}}, route: [{${V1}}]}`,
  [get('/', { 'x-r': '1', 'x-s': '2', 'x-t': '3' })],
);
action(
  'headers of both',
  `{headers: {request: {set: {x-s: route}}}, route: [{${V1}, headers: {request: {set: {x-s: destination}, add: {x-s2: more}}}}]}`,
  [get('/')],
);
action(
  'headers with variables',
  `{headers: {request: {set: {x-s: '%PROTOCOL% %REQ(:path)%', x-p: '100%%'}}, response: {set: {x-u: '%RESPONSE_CODE%'}}}, route: [{${V1}}]}`,
  [get('/v')],
);
action('host header', `{headers: {request: {set: {Host: new.test}}}, route: [{${V1}}]}`, [get('/')]);
action('authority header', `{headers: {request: {set: {':authority': new.test}}}, route: [{${V1}}]}`, [get('/')]);
action('rewrite prefix', `{match: [{uri: {prefix: /a}}], rewrite: {uri: /b}, route: [{${V1}}]}`, [
  get('/a/c?d=e'),
  get('/ab'),
]);
action('rewrite exact', `{match: [{uri: {exact: /a}}], rewrite: {uri: /b/c}, route: [{${V1}}]}`, [get('/a?d=e')]);
action('rewrite to nothing', `{match: [{uri: {prefix: /strip}}], rewrite: {uri: /}, route: [{${V1}}]}`, [
  get('/strip'),
  get('/strip/x'),
  get('/stripped'),
]);
action('rewrite with slash', `{match: [{uri: {prefix: /strip/}}], rewrite: {uri: /}, route: [{${V1}}]}`, [
  get('/strip/x'),
]);
action('rewrite authority', `{rewrite: {authority: new.test}, route: [{${V1}}]}`, [get('/')]);
action(
  'rewrite by regex',
  `{rewrite: {uriRegexRewrite: {match: '^/a/([^/]+)/(.*)$', rewrite: '/\\\\2/\\\\1'}}, route: [{${V1}}]}`,
  [get('/a/b/c'), get('/x')],
);
action('rewrite a regex match', `{match: [{uri: {regex: '/a/.*'}}], rewrite: {uri: /b}, route: [{${V1}}]}`, [
  get('/a/x?y=1'),
]);
action('redirect uri', '{redirect: {uri: /new}}', [get('/old?a=b')]);
action('redirect authority', '{redirect: {authority: new.test}}', [get('/old?a=b')]);
action('redirect scheme', '{redirect: {scheme: https}}', [get('/x'), get('/x', {}, { host: 'server.test:80' })]);
action('redirect port', '{redirect: {port: 8443}}', [get('/x')]);
action('redirect deriving the port', '{redirect: {scheme: https, derivePort: FROM_REQUEST_PORT}}', [get('/x')]);
action('redirect deriving the default', '{redirect: {scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}}', [get('/x')]);
for (const code of [301, 302, 303, 307, 308])
  action(`redirect ${code}`, `{redirect: {uri: /n, redirectCode: ${code}}}`, [get('/x')]);
action('redirect prefix', '{match: [{uri: {prefix: /old}}], redirect: {prefixRewrite: /new}}', [
  get('/old/x?y'),
  get('/older'),
]);
action('direct response', '{directResponse: {status: 418, body: {string: teapot}}}', [get('/')]);
action('direct response in base64', '{directResponse: {status: 200, body: {bytes: dGVhcG90}}}', [get('/')]);
action('direct response without body', '{directResponse: {status: 503}}', [get('/')]);
action(
  'direct response with headers',
  '{directResponse: {status: 200, body: {string: x}}, headers: {response: {set: {x-u: a}}}}',
  [get('/')],
);
action('delegate that is missing', '{delegate: {name: nobody}}');
action('mirror', `{route: [{${V1}}], mirror: {host: other.test}}`, [get('/')]);
action('mirror a share', `{route: [{${V1}}], mirror: {host: other.test}, mirrorPercentage: {value: 0}}`, [get('/')]);
action(
  'mirrors',
  `{route: [{${V1}}], mirrors: [{destination: {host: other.test}, percentage: {value: 25}}, {destination: {host: server.test, subset: v2}}]}`,
);
action('fault abort', `{fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, route: [{${V1}}]}`, [get('/')]);
action('fault abort never', `{fault: {abort: {httpStatus: 418, percentage: {value: 0}}}, route: [{${V1}}]}`, [
  get('/'),
]);
action(
  'fault abort of gRPC',
  `{fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 100}}}, route: [{${V1}}]}`,
  [get('/', { 'content-type': 'application/grpc' })],
);
action('fault delay', `{fault: {delay: {fixedDelay: 0.3s, percentage: {value: 100}}}, route: [{${V1}}]}`, [get('/')]);
action(
  'fault delay and abort',
  `{fault: {delay: {fixedDelay: 0.2s, percentage: {value: 100}}, abort: {httpStatus: 500, percentage: {value: 100}}}, route: [{${V1}}]}`,
  [get('/')],
);
action('fault delay in percent', `{fault: {delay: {fixedDelay: 0.2s, percent: 100}}, route: [{${V1}}]}`, [get('/')]);
const CORS = (more) => `{corsPolicy: {${more}}, route: [{${V1}}]}`;
const preflight = (origin, more = {}) =>
  get('/', { origin, 'access-control-request-method': 'PUT', ...more }, { method: 'OPTIONS' });
action(
  'cors exact',
  CORS(
    'allowOrigins: [{exact: "https://a.test"}], allowMethods: [GET, PUT], allowHeaders: [x-a], exposeHeaders: [x-b], maxAge: 60s, allowCredentials: true',
  ),
  [
    get('/', { origin: 'https://a.test' }),
    get('/', { origin: 'https://b.test' }),
    preflight('https://a.test'),
    preflight('https://b.test'),
  ],
);
action('cors regex', CORS("allowOrigins: [{regex: 'https://[a-c].test'}]"), [
  get('/', { origin: 'https://b.test' }),
  get('/', { origin: 'https://x.test' }),
]);
action('cors prefix', CORS('allowOrigins: [{prefix: "https://a"}]'), [get('/', { origin: 'https://abc' })]);
action('cors any', CORS('allowOrigins: [{exact: "*"}]'), [get('/', { origin: 'https://abc' })]);
action(
  'cors ignoring others',
  CORS('allowOrigins: [{exact: "https://a.test"}], allowMethods: [PUT], unmatchedPreflights: IGNORE'),
  [preflight('https://b.test')],
);
action('cors forwarding others', CORS('allowOrigins: [{exact: "https://a.test"}], unmatchedPreflights: FORWARD'), [
  preflight('https://b.test'),
]);
action('cors without origins', CORS('allowMethods: [GET]'), [get('/', { origin: 'https://a.test' })]);

const timer = (name, route, probes = []) => add(`timer ${name}`, both(`- {${route}, route: [{${V1}}]}`), probes);
const slow = (ms, path = '/') => get(path, { 'x-lab': `delay=${ms}` });
timer('timeout', 'timeout: 0.3s', [slow(900), get('/')]);
timer('long timeout', 'timeout: 1h30m', [get('/')]);
timer('timeout in ms', 'timeout: 250ms', [slow(700)]);
timer('timeout of gRPC', 'timeout: 0.3s', [get('/', { 'content-type': 'application/grpc', 'x-lab': 'delay=900' })]);
timer('per try', 'retries: {attempts: 2, perTryTimeout: 0.2s, retryOn: 5xx}', [slow(700)]);
timer('per try without retryOn', 'retries: {attempts: 2, perTryTimeout: 0.2s}', [slow(700)]);
timer('per try and timeout', 'timeout: 0.5s, retries: {attempts: 5, perTryTimeout: 0.2s, retryOn: reset}', [slow(900)]);
timer('per try not below timeout', 'timeout: 0.3s, retries: {attempts: 1, perTryTimeout: 0.4s, retryOn: 5xx}', [
  slow(900),
]);
timer('retries off', 'retries: {attempts: 0}', [get('/', { 'x-lab': 'status=503' })]);
timer('retries on 5xx', 'retries: {attempts: 2, retryOn: 5xx}', [
  get('/', { 'x-lab': 'status=500' }),
  get('/', { 'x-lab': 'status=404' }),
]);
timer('retries on gateway-error', "retries: {attempts: 1, retryOn: 'gateway-error,connect-failure'}", [
  get('/', { 'x-lab': 'status=503' }),
  get('/', { 'x-lab': 'status=500' }),
]);
timer('retries on codes', "retries: {attempts: 1, retryOn: 'retriable-status-codes,404,503'}", [
  get('/', { 'x-lab': 'status=404' }),
  get('/', { 'x-lab': 'status=500' }),
]);
timer('retries on reset', 'retries: {attempts: 2, retryOn: reset}', [get('/', { 'x-lab': 'reset' })]);
timer('retries by default', 'timeout: 5s', [get('/', { 'x-lab': 'status=503' }), get('/', { 'x-lab': 'reset' })]);
timer('retries in other places', 'retries: {attempts: 3, retryRemoteLocalities: true, retryOn: unavailable}');
timer('retries on the same host', 'retries: {attempts: 3, retryIgnorePreviousHosts: false}');
timer('retries with back-off', 'retries: {attempts: 3, backoff: 100ms, retryOn: 5xx}');

const policy = (name, text, probes = [], flags = {}) => add(`policy ${name}`, dr(text), probes, flags);
for (const lb of ['ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN', 'RANDOM', 'UNSPECIFIED', 'PASSTHROUGH'])
  policy(`balancer ${lb}`, `{loadBalancer: {simple: ${lb}}}`);
policy('hash by header', '{loadBalancer: {consistentHash: {httpHeaderName: x-user}}}');
policy('hash by cookie', '{loadBalancer: {consistentHash: {httpCookie: {name: user, path: /p, ttl: 60s}}}}');
policy('hash by cookie of the session', '{loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 0s}}}}');
policy('hash by address', '{loadBalancer: {consistentHash: {useSourceIp: true}}}');
policy('hash by query', '{loadBalancer: {consistentHash: {httpQueryParameterName: q}}}');
policy('ring', '{loadBalancer: {consistentHash: {httpHeaderName: x, ringHash: {minimumRingSize: 2048}}}}');
policy('old ring', '{loadBalancer: {consistentHash: {httpHeaderName: x, minimumRingSize: 512}}}');
policy('maglev', '{loadBalancer: {consistentHash: {httpHeaderName: x, maglev: {tableSize: 1009}}}}');
policy('warm-up', '{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 30s, minimumPercent: 20, aggression: 2}}}');
policy('old warm-up', '{loadBalancer: {simple: LEAST_REQUEST, warmupDurationSecs: 20s}}');
policy('locality off', '{loadBalancer: {localityLbSetting: {enabled: false}}}');
policy(
  'pool of TCP',
  '{connectionPool: {tcp: {maxConnections: 3, connectTimeout: 2s, maxConnectionDuration: 10s, idleTimeout: 20s}}}',
);
policy('keepalive of TCP', '{connectionPool: {tcp: {tcpKeepalive: {probes: 3, time: 10s, interval: 5s}}}}');
policy('keepalive of TCP by default', '{connectionPool: {tcp: {tcpKeepalive: {}}}}');
policy(
  'pool of HTTP',
  '{connectionPool: {http: {http1MaxPendingRequests: 4, http2MaxRequests: 5, maxRequestsPerConnection: 6, maxRetries: 7, idleTimeout: 8s}}}',
);
policy(
  'one request per connection',
  '{connectionPool: {http: {maxRequestsPerConnection: 1}}}',
  [get('/', {}, { host: 'server.test' })].slice(1),
);
policy('upgrade', '{connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 9}}}');
policy('no upgrade', '{connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}');
policy('protocol of the client', '{connectionPool: {http: {useClientProtocol: true}}}');
policy(
  'outlier',
  '{outlierDetection: {consecutive5xxErrors: 3, interval: 5s, baseEjectionTime: 10s, maxEjectionPercent: 50, minHealthPercent: 20}}',
);
policy('outlier by gateway errors', '{outlierDetection: {consecutiveGatewayErrors: 3, consecutive5xxErrors: 0}}');
policy(
  'outlier by local origin',
  '{outlierDetection: {splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 4}}',
);
policy('outlier empty', '{outlierDetection: {}}');
policy('old outlier', '{outlierDetection: {consecutiveErrors: 2}}');
for (const mode of ['DISABLE', 'ISTIO_MUTUAL']) policy(`TLS ${mode}`, `{tls: {mode: ${mode}}}`);
policy('TLS SIMPLE', '{tls: {mode: SIMPLE, sni: s.test, caCertificates: /ca.pem, subjectAltNames: [a.test]}}');
policy('TLS MUTUAL', '{tls: {mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem}}');
policy(
  'port',
  '{connectionPool: {tcp: {maxConnections: 1}}, portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 2}}}]}',
);
policy(
  'other port',
  '{loadBalancer: {simple: RANDOM}, portLevelSettings: [{port: {number: 81}, loadBalancer: {simple: ROUND_ROBIN}}]}',
);
const grpc = (name, text) => add(`policy ${name}`, dr(text, 'rpc.test'));
grpc(
  'keepalive of HTTP/2',
  '{connectionPool: {http: {http2KeepAlive: {interval: 5s, timeout: 2s}, maxConcurrentStreams: 3}}}',
);
grpc('gRPC pool', '{connectionPool: {http: {http2MaxRequests: 3, idleTimeout: 9s}}}');

add(
  'subset with a policy',
  `${SUBSETS.replace('{name: v1, labels: {version: v1}}', '{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}, connectionPool: {tcp: {maxConnections: 4}}}}').replace('spec: {', 'spec: {trafficPolicy: {connectionPool: {tcp: {maxConnections: 9, connectTimeout: 3s}}}, ')}`,
);
add('subset without hosts', SUBSETS.replace('version: v2', 'version: v3'), []);
add('rules merged', `${dr('{loadBalancer: {simple: RANDOM}}')}---\n${SUBSETS}`);
add('rule for a wildcard', dr('{connectionPool: {tcp: {maxConnections: 4}}}', '"*.test"'));
add(
  'rule and wildcard',
  `${dr('{connectionPool: {tcp: {maxConnections: 4}}}', '"*.test"')}---\n${dr('{loadBalancer: {simple: RANDOM}}').replace('name: rule', 'name: own')}`,
);
add(
  'rule for workloads',
  dr('{loadBalancer: {simple: RANDOM}}').replace(
    '  host:',
    '  workloadSelector: {matchLabels: {app: client}}\n  host:',
  ),
);
add(
  'rule for other workloads',
  dr('{loadBalancer: {simple: RANDOM}}').replace(
    '  host:',
    '  workloadSelector: {matchLabels: {app: nobody}}\n  host:',
  ),
);
add(
  'rule of the root namespace',
  dr('{loadBalancer: {simple: RANDOM}}').replace('namespace: default', 'namespace: istio-system'),
);
add(
  'rule that is not exported',
  dr('{loadBalancer: {simple: RANDOM}}')
    .replace('namespace: default', 'namespace: prod')
    .replace('  host:', "  exportTo: ['.']\n  host:"),
);
add('two hosts', vs(`- {route: [{${OTHER}}]}`).replace('[server.test]', '[server.test, other.test]'), [
  get('/'),
  get('/', {}, { host: 'other.test' }),
]);
add('wildcard host', vs(`- {route: [{${OTHER}}]}`).replace('[server.test]', "['*.test']"), [
  get('/'),
  get('/', {}, { host: 'x.test' }),
]);
add('host of nobody', vs(`- {route: [{${OTHER}}]}`).replace('[server.test]', '[new.example]'), [
  get('/', {}, { host: 'new.example' }),
]);
add('host of a Kubernetes service', vs(`- {route: [{${OTHER}}]}`).replace('[server.test]', '[cart]'), [
  get('/', {}, { host: 'cart' }),
  get('/', {}, { host: 'cart.default.svc.cluster.local' }),
  get('/', {}, { host: 'cart.default:80' }),
  get('/', {}, { host: '10.96.1.1' }),
]);
add(
  'first of two',
  `${vs(`- {match: [{uri: {prefix: /a}}], route: [{${OTHER}}]}`)}---\n${vs('- {directResponse: {status: 201}}').replace('name: server', 'name: z')}`,
  [get('/a'), get('/b')],
);
add(
  'delegates',
  `${vs('- {match: [{uri: {prefix: /d}}], delegate: {name: part}}\n- {directResponse: {status: 204}}')}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: part, namespace: default}
spec: {http: [{match: [{uri: {prefix: /d/a}}], route: [{${OTHER}}]}, {match: [{uri: {prefix: /e}}], route: [{${OTHER}}]}, {directResponse: {status: 410}}]}
`,
  [get('/d/a'), get('/d/b'), get('/e'), get('/x')],
);
add(
  'not exported',
  vs('- {directResponse: {status: 204}}', "  exportTo: ['.']\n").replace('namespace: default', 'namespace: prod'),
  [get('/', {}, { host: 'other.test' })],
);
add(
  'exported to a namespace',
  vs('- {directResponse: {status: 204}}', '  exportTo: [default]\n').replace('namespace: default', 'namespace: prod'),
  [get('/')],
);
add(
  'everything taken early',
  both(
    `- {match: [{uri: {prefix: /}}], route: [{${V1}}]}\n- {match: [{uri: {prefix: /a}}], directResponse: {status: 204}}`,
  ),
  [get('/a')],
);
add(
  'order of routes',
  both(
    '- {match: [{uri: {regex: ".*z"}}], directResponse: {status: 201}}\n- {match: [{uri: {exact: /az}}], directResponse: {status: 202}}\n- {match: [{uri: {prefix: /a}}], directResponse: {status: 203}}',
  ),
  [get('/az'), get('/ab'), get('/b')],
);

const sidecar = (name, spec, probes = []) =>
  add(
    `sidecar ${name}`,
    `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default, namespace: default}\nspec: ${spec}\n`,
    probes,
  );
sidecar('that sees one host', "{egress: [{hosts: ['./other.test']}]}", [
  get('/'),
  get('/', {}, { host: 'other.test' }),
]);
sidecar('of the registry only', "{egress: [{hosts: ['*/*']}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}", [
  get('/', {}, { host: 'nobody.test' }),
  get('/', {}, { host: 'other.test' }),
]);
sidecar('for others', "{workloadSelector: {labels: {app: nobody}}, egress: [{hosts: ['./other.test']}]}", [
  get('/', {}, { host: 'other.test' }),
]);
sidecar('that sees a namespace', "{egress: [{hosts: ['prod/*']}]}");

const patch = (name, text, probes = []) =>
  add(
    `patch ${name}`,
    `${SUBSETS}---\n${vs(`- {name: r, timeout: 5s, route: [{${V1}}]}`)}---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: patch, namespace: default}\nspec:\n  configPatches:\n  - ${text}\n`,
    probes,
  );
patch(
  'route timeout',
  '{applyTo: HTTP_ROUTE, match: {context: SIDECAR_OUTBOUND, routeConfiguration: {vhost: {name: "server.test:80"}}}, patch: {operation: MERGE, value: {route: {timeout: 0.3s}}}}',
  [slow(900)],
);
patch(
  'stream duration',
  '{applyTo: HTTP_ROUTE, match: {context: SIDECAR_OUTBOUND}, patch: {operation: MERGE, value: {route: {max_stream_duration: {max_stream_duration: 0.3s}}}}}',
  [slow(900)],
);
patch(
  'idle of a route',
  '{applyTo: HTTP_ROUTE, match: {context: SIDECAR_OUTBOUND, routeConfiguration: {vhost: {route: {name: r}}}}, patch: {operation: MERGE, value: {route: {idle_timeout: 0.3s}}}}',
  [slow(900)],
);
patch(
  'cluster',
  '{applyTo: CLUSTER, match: {context: SIDECAR_OUTBOUND, cluster: {service: other.test}}, patch: {operation: MERGE, value: {connect_timeout: 1s}}}',
);
patch(
  'virtual host',
  '{applyTo: VIRTUAL_HOST, match: {context: SIDECAR_OUTBOUND}, patch: {operation: MERGE, value: {request_headers_to_add: [{header: {key: x-s, value: a}}]}}}',
  [get('/')],
);
patch(
  'removed route',
  '{applyTo: HTTP_ROUTE, match: {context: SIDECAR_OUTBOUND, routeConfiguration: {vhost: {route: {name: r}}}}, patch: {operation: REMOVE}}',
  [get('/')],
);
patch(
  'added host',
  '{applyTo: VIRTUAL_HOST, match: {context: SIDECAR_OUTBOUND, routeConfiguration: {name: "80"}}, patch: {operation: ADD, value: {name: mine, domains: [mine.test], routes: [{match: {prefix: /}, direct_response: {status: 202}}]}}}',
  [get('/', {}, { host: 'mine.test' })],
);

const mesh = (name, config, probes = []) =>
  add(
    `mesh ${name}`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    ${config}\n`,
    probes,
  );
mesh('connect timeout', 'connectTimeout: 3s');
mesh('keepalive', 'tcpKeepalive: {time: 10s, probes: 2}');
mesh('upgrade', 'h2UpgradePolicy: UPGRADE');
mesh('retries', 'defaultHttpRetryPolicy: {attempts: 1, retryOn: 5xx}', [
  get('/', { 'x-lab': 'status=500' }, { host: 'other.test' }),
]);
mesh('registry only', 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}', [get('/', {}, { host: 'nobody.test' })]);

const entry = (name, spec) =>
  add(
    `entry ${name}`,
    `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: extra, namespace: default}\nspec: ${spec}\n`,
  );
entry(
  'by DNS',
  '{hosts: [ext.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}',
);
entry(
  'by DNS with endpoints',
  '{hosts: [ext.example], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP2}], endpoints: [{address: a.example, ports: {http: 8080}, weight: 2}, {address: b.example}]}',
);
entry(
  'by DNS in turn',
  '{hosts: [ext.example], location: MESH_EXTERNAL, resolution: DNS_ROUND_ROBIN, ports: [{number: 80, name: http, protocol: HTTP}]}',
);
entry(
  'without resolution',
  '{hosts: [ext.example], location: MESH_EXTERNAL, resolution: NONE, ports: [{number: 80, name: http, protocol: HTTP}]}',
);
entry(
  'with addresses',
  '{hosts: [ext.example], addresses: [10.9.0.1], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}], endpoints: [{address: 10.9.1.1}]}',
);
entry(
  'of TLS',
  '{hosts: [ext.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}',
);
entry(
  'of several hosts',
  '{hosts: [a.example, b.example], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}, {number: 81, name: http2, protocol: HTTP2}], endpoints: [{address: 10.9.1.1, labels: {a: b}, locality: r/z}]}',
);

export const CASES = cases;
