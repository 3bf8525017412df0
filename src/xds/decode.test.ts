import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { readMapping } from '../config/documents.js';
import { ConfigError } from '../config/error.js';
import { pathOf, positionOf } from '../config/position.js';
import { mutate } from '../config/testing.js';
import { decode, type MessageName, unsupported } from './decode.js';
import { encode } from './encode.js';
import { isType, typeUrl } from './type-url.js';

const PREFIX = 'type.googleapis.com/';

function read<K extends MessageName>(name: K, text: string) {
  return decode(name, readMapping('f.yaml', text));
}

function mistakes(name: MessageName, text: string): string[] {
  try {
    read(name, text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.all.map((one) => one.message);
  }
  return [];
}

describe('decoding a message', () => {
  it('gives plain scalars, lists and maps their default, and leaves wrappers, messages and oneofs undefined', () => {
    const action = decode('RouteAction', { cluster: 'a' });
    assert.equal(action.cluster, 'a');
    assert.equal(action.cluster_header, undefined);
    assert.equal(action.prefix_rewrite, '');
    assert.equal(action.priority, 'DEFAULT');
    assert.equal(action.cluster_not_found_response_code, 'SERVICE_UNAVAILABLE');
    assert.equal(action.append_x_forwarded_host, false);
    assert.deepEqual(action.hash_policy, []);
    assert.equal(action.timeout, undefined);
    assert.equal(action.retry_policy, undefined);
    assert.equal(action.auto_host_rewrite, undefined);
    assert.deepEqual(decode('Metadata', {}), { filter_metadata: {}, typed_filter_metadata: {} });
  });

  it('reads durations as milliseconds, wrappers as their value, enums as names', () => {
    const policy = read(
      'RetryPolicy',
      'per_try_timeout: 0.25s\nnum_retries: 3\nhost_selection_retry_max_attempts: "5"\n',
    );
    assert.equal(policy.per_try_timeout, 250);
    assert.equal(policy.num_retries, 3);
    assert.equal(policy.host_selection_retry_max_attempts, 5);
    for (const codec of ['HTTP2', 'http2', '2', 2]) {
      const manager = { stat_prefix: 'a', route_config: {}, codec_type: codec, http_filters: [ROUTER] };
      assert.equal(decode('HttpConnectionManager', manager).codec_type, 'HTTP2');
    }
  });

  it('takes the names of the proto and lowerCamelCase', () => {
    assert.equal(decode('RetryPolicy', { perTryTimeout: '1s' }).per_try_timeout, 1000);
    assert.deepEqual(mistakes('RetryPolicy', 'perTryTimeout: 1s\nper_try_timeout: 1s\n'), [
      'f.yaml:2:1: per_try_timeout: per_try_timeout repeats perTryTimeout',
    ]);
  });

  it('keeps positions and paths of fields, items and map entries', () => {
    const text =
      'name: v\ndomains:\n- a\n- b\nroutes:\n- match: {prefix: /}\n  route:\n    cluster: c\n    timeout: 5s\n';
    const host = read('VirtualHost', text);
    const route = host.routes[0];
    assert.deepEqual(positionOf(route.route!, 'timeout'), { file: 'f.yaml', line: 9, col: 5 });
    assert.equal(pathOf(route.route!, 'timeout'), 'routes[0].route.timeout');
    assert.deepEqual(positionOf(host.domains, '1'), { file: 'f.yaml', line: 4, col: 3 });
    assert.equal(pathOf(host.domains, '1'), 'domains[1]');
    assert.deepEqual(positionOf(route, ''), { file: 'f.yaml', line: 6, col: 3 });
    assert.equal(pathOf(route, ''), 'routes[0]');
    const metadata = read('Metadata', 'filter_metadata:\n  envoy.lb: {a: b}\n');
    assert.deepEqual(positionOf(metadata.filter_metadata, 'envoy.lb'), { file: 'f.yaml', line: 2, col: 3 });
    assert.deepEqual(positionOf(metadata.filter_metadata['envoy.lb'], 'a'), { file: 'f.yaml', line: 2, col: 14 });
  });

  it('reports every mistake of a document', () => {
    const text =
      'match: {prefix: /}\nroute:\n  cluster: 5\n  timeout: soon\n  prioriti: HIGH\n  max_internal_redirects: 3\n  retry_policy: {retry_back_off: {}}\n';
    assert.deepEqual(mistakes('Route', text), [
      'f.yaml:3:3: route.cluster: the number 5 is not allowed here; allowed: a string; quote it',
      'f.yaml:4:3: route.timeout: the string "soon" is not allowed here; allowed: seconds with the unit s, such as 5s or 0.25s',
      'f.yaml:5:3: route.prioriti: RouteAction has no field "prioriti"; allowed: did you mean priority',
      'f.yaml:6:3: route.max_internal_redirects: not supported: use internal_redirect_policy',
      'f.yaml:7:34: route.retry_policy.retry_back_off.base_interval: base_interval is missing; allowed: a duration such as 5s',
    ]);
  });

  it('names the members of a oneof that is missing or given twice', () => {
    assert.deepEqual(mistakes('Route', 'match: {prefix: /, path: /a}\n'), [
      'f.yaml:1:1: action is missing; allowed: one of route, redirect, direct_response, non_forwarding_action',
      'f.yaml:1:20: match.path: path and prefix exclude each other; allowed: one of prefix, path, safe_regex, connect_matcher, path_separated_prefix, path_match_policy',
    ]);
  });

  it('takes a refused field that has the value it would have anyway', () => {
    assert.deepEqual(
      mistakes('RouteAction', 'cluster: a\nmax_internal_redirects: 0\ninternal_redirect_action: null\n'),
      [],
    );
  });

  it('tells of deprecated fields without refusing them', () => {
    const warnings: ConfigError[] = [];
    decode('RouteAction', readMapping('f.yaml', 'cluster: a\nmax_grpc_timeout: 0s\n'), 'route', warnings);
    assert.deepEqual(
      warnings.map((one) => one.message),
      ['f.yaml:2:1: route.max_grpc_timeout: the field is deprecated in Envoy'],
    );
  });

  it('does not take names of JavaScript for fields', () => {
    assert.match(mistakes('RetryPolicy', '__proto__: {}\n')[0], /RetryPolicy has no field "__proto__"/);
    assert.match(mistakes('RetryPolicy', 'constructor: {}\n')[0], /RetryPolicy has no field "constructor"/);
    const { filter_metadata } = read('Metadata', 'filter_metadata: {__proto__: {a: 1}}\n');
    assert.deepEqual(Object.keys(filter_metadata), ['__proto__']);
  });
});

const ROUTER = { name: 'router', typed_config: { '@type': `${PREFIX}envoy.extensions.filters.http.router.v3.Router` } };

describe('an extension', () => {
  it('is the message that its @type names', () => {
    const filter = decode('HttpFilter', {
      ...ROUTER,
      typed_config: { ...ROUTER.typed_config, suppress_envoy_headers: true },
    });
    assert.ok(isType(filter.typed_config, 'Router'));
    assert.equal(filter.typed_config.suppress_envoy_headers, true);
    assert.equal(filter.typed_config['@type'], typeUrl('Router'));
    assert.equal(isType(filter.typed_config, 'Cors'), false);
    assert.equal(isType(undefined, 'Cors'), false);
  });

  it('may come as a TypedStruct', () => {
    for (const struct of ['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct']) {
      const { typed_config } = read(
        'HttpFilter',
        `name: a\ntyped_config:\n  "@type": ${PREFIX}${struct}\n  type_url: ${typeUrl('BufferFilter')}\n  value:\n    max_request_bytes: 5\n`,
      );
      assert.ok(isType(typed_config, 'BufferFilter'));
      assert.equal(typed_config.max_request_bytes, 5);
      assert.deepEqual(positionOf(typed_config, 'max_request_bytes'), { file: 'f.yaml', line: 6, col: 5 });
    }
  });

  it('is refused where it does not belong, or when it is not known', () => {
    const at = (type: string) => mistakes('HttpFilter', `name: a\ntyped_config: {"@type": ${PREFIX}${type}}\n`)[0];
    assert.match(
      at('envoy.extensions.filters.http.lua.v3.Lua'),
      /^f\.yaml:2:16: typed_config\.@type: not supported: envoy\.extensions\.filters\.http\.lua\.v3\.Lua as http filter; allowed: .*Router/,
    );
    assert.match(at('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'), /not supported: .* as http filter/);
    assert.match(mistakes('HttpFilter', 'name: a\ntyped_config: {}\n')[0], /'@type' is missing/);
    assert.match(mistakes('HttpFilter', 'name: a\ntyped_config: {"@type": 5}\n')[0], /'@type' is missing/);
  });
});

describe('a field that a part of the proxy cannot honour', () => {
  it('is refused with position and path', () => {
    const action = read('RouteAction', 'cluster: a\nhedge_policy: {hedge_on_per_try_timeout: true}\n');
    assert.throws(
      () => unsupported(action, 'hedge_policy', 'hedging is not implemented'),
      (error: ConfigError) => error.message === 'f.yaml:2:1: hedge_policy: not supported: hedging is not implemented',
    );
  });
});

const SAMPLE = `static_resources:
  listeners:
  - name: l
    address: {socket_address: {address: 127.0.0.1, port_value: 80}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": ${PREFIX}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: x
          common_http_protocol_options: {max_stream_duration: 1.5s, headers_with_underscores_action: DROP_HEADER}
          access_log: [{name: a, typed_config: {"@type": ${PREFIX}envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]
          route_config:
            virtual_hosts:
            - name: v
              domains: ["*"]
              routes:
              - match: {safe_regex: {regex: a.*}, headers: [{name: h, string_match: {prefix: x}}]}
                route: {weighted_clusters: {clusters: [{name: c, weight: 1}]}, retry_policy: {retry_on: 5xx, num_retries: 0}, timeout: 0s}
                typed_per_filter_config: {f: {"@type": ${PREFIX}envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: true}}
          http_filters: [{name: router, typed_config: {"@type": ${PREFIX}envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: c
    connect_timeout: 1s
    load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 81}}}}]}]}
    metadata: {filter_metadata: {a: {b: [1, x, null]}}}
`;

describe('encoding a message', () => {
  it('gives what decodes to the same message, without the defaults', () => {
    const bootstrap = read('Bootstrap', SAMPLE);
    const encoded = encode('Bootstrap', bootstrap);
    assert.deepEqual(decode('Bootstrap', JSON.parse(JSON.stringify(encoded))), bootstrap);
    const route = { cluster: 'a', timeout: 0, retry_policy: decode('RetryPolicy', { num_retries: 0 }) };
    assert.deepEqual(encode('RouteAction', { ...decode('RouteAction', { cluster: 'a' }), ...route }), {
      cluster: 'a',
      timeout: '0s',
      retry_policy: { num_retries: 0 },
    });
  });
});

describe('decoding anything', () => {
  it('never fails otherwise than with ConfigErrors that have a position', () => {
    const random = seededRandom(8);
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < 700; i++) {
      const text = mutate(random, SAMPLE, 1 + (random.u32() % 4));
      try {
        const bootstrap = read('Bootstrap', text);
        assert.deepEqual(decode('Bootstrap', encode('Bootstrap', bootstrap)), bootstrap);
        taken++;
      } catch (error) {
        assert.ok(error instanceof ConfigError, `${(error as Error).stack}\n${text}`);
        for (const one of error.all) assert.ok(one.position !== null, one.message);
        refused++;
      }
    }
    assert.ok(taken > 10 && refused > 300, `${taken} taken, ${refused} refused`);
  });

  it('survives any value in the place of any other', () => {
    const random = seededRandom(9);
    const values = [
      null,
      true,
      -1,
      1.5,
      2 ** 40,
      '',
      'a',
      '5s',
      [],
      [null],
      [[]],
      {},
      { a: 1 },
      { '@type': 'x/y' },
      '\u0000',
    ];
    for (let i = 0; i < 1000; i++) {
      const document = readMapping('f.yaml', SAMPLE);
      replaceOne(document, values[random.u32() % values.length], random.u32() % 90);
      try {
        decode('Bootstrap', document);
      } catch (error) {
        assert.ok(error instanceof ConfigError, (error as Error).stack);
        for (const one of error.all) assert.ok(one.position !== null, one.message);
      }
    }
  });
});

/** Replaces the n-th value of a document. */
function replaceOne(container: object, value: unknown, n: number): number {
  let left = n;
  for (const key of Object.keys(container)) {
    const fields = container as Record<string, unknown>;
    if (left-- === 0) {
      fields[key] = value;
      return -1;
    }
    const inner = fields[key];
    if (typeof inner === 'object' && inner !== null) {
      left = replaceOne(inner, value, left);
      if (left < 0) return -1;
    }
  }
  return left;
}
