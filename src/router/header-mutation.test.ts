import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeaders } from '../base/headers.js';
import { CONNECTION, lines, request, response, streamInfo, tableOf, to, zero } from './testing.js';

function add(key: string, value: string, append_action?: string, more: object = {}): object {
  return { header: { key, value }, ...(append_action === undefined ? {} : { append_action }), ...more };
}

const SET = 'OVERWRITE_IF_EXISTS_OR_ADD';

/** Lines of a request after the changes of a route, its virtual host and its table. */
function sent(
  headers: RequestHeaders,
  entry: object,
  host: object = {},
  config: object = {},
  action: object = {},
): string[] {
  const route = tableOf([to('r', { prefix: '/' }, action, entry)], host, config).match(headers, zero, CONNECTION)!;
  assert.ok(route.hasRequestMutations);
  route.finalizeRequest(headers, streamInfo(headers));
  return lines(headers);
}

const ACTIONS = {
  request_headers_to_add: [
    add('x-append', 'new', 'APPEND_IF_EXISTS_OR_ADD'),
    add('x-default', 'new'),
    add('x-absent', 'new', 'ADD_IF_ABSENT'),
    add('x-set', 'new', SET),
    add('x-over', 'new', 'OVERWRITE_IF_EXISTS'),
    add('x-empty', ''),
    add('x-empty-kept', '', undefined, { keep_empty_value: true }),
    add('x-twice', '1'),
    add('x-twice', '2'),
    add('X-Upper', '1'),
  ],
};

test('append actions on a request without the headers', () => {
  assert.deepEqual(sent(request('/'), ACTIONS), [
    'x-set: new',
    'x-append: new',
    'x-default: new',
    'x-absent: new',
    'x-empty-kept: ',
    'x-twice: 1',
    'x-twice: 2',
    'x-upper: 1',
  ]);
});

test('append actions on a request with the headers: overwritten ones move behind, then come the appended', () => {
  const names = ['x-append', 'x-default', 'x-absent', 'x-set', 'x-over', 'x-empty', 'x-twice', 'x-upper'];
  assert.deepEqual(
    sent(
      request(
        '/',
        names.map((name) => [name, 'old']),
      ),
      ACTIONS,
    ),
    [
      'x-append: old',
      'x-default: old',
      'x-absent: old',
      'x-empty: old',
      'x-twice: old',
      'x-upper: old',
      'x-set: new',
      'x-over: new',
      'x-append: new',
      'x-default: new',
      'x-empty-kept: ',
      'x-twice: 1',
      'x-twice: 2',
      'x-upper: 1',
    ],
  );
});

test('overwriting replaces all lines of a repeated header', () => {
  const headers = request('/', [
    ['x-set', 'o1'],
    ['x-set', 'o2'],
    ['x-over', 'o1'],
    ['x-over', 'o2'],
    ['x-append', 'o1'],
  ]);
  assert.deepEqual(
    sent(headers, {
      request_headers_to_add: [add('x-set', 'n', SET), add('x-over', 'n', 'OVERWRITE_IF_EXISTS'), add('x-append', 'n')],
    }),
    ['x-append: o1', 'x-set: n', 'x-over: n', 'x-append: n'],
  );
});

test('the old boolean append: true appends, false overwrites', () => {
  const entry = {
    request_headers_to_add: [
      { header: { key: 'x-a', value: 'new' }, append: true },
      { header: { key: 'x-b', value: 'new' }, append: false },
    ],
  };
  assert.deepEqual(
    sent(
      request('/', [
        ['x-a', 'old'],
        ['x-b', 'old'],
      ]),
      entry,
    ),
    ['x-a: old', 'x-b: new', 'x-a: new'],
  );
});

test('headers are removed before they are added, and a header that Envoy keeps once is joined', () => {
  const entry = {
    request_headers_to_remove: ['X-Gone', 'x-back'],
    request_headers_to_add: [add('x-back', 'new'), add('x-forwarded-for', '2.2.2.2')],
  };
  const headers = request('/', [
    ['x-gone', '1'],
    ['x-back', 'old'],
    ['x-gone', '2'],
    ['x-forwarded-for', '1.1.1.1'],
  ]);
  assert.deepEqual(sent(headers, entry), ['x-forwarded-for: 1.1.1.1,2.2.2.2', 'x-back: new']);
});

function levels(name: string): object {
  return {
    request_headers_to_add: [
      add('x-app', name),
      add('x-set', name, SET),
      add('x-absent', name, 'ADD_IF_ABSENT'),
      add('x-rm', name),
    ],
  };
}

test('route, virtual host and route configuration apply in this order', () => {
  const host = { ...levels('vhost'), request_headers_to_remove: ['x-rm'] };
  assert.deepEqual(sent(request('/', [['x-app', 'client']]), levels('route'), host, levels('config')), [
    'x-app: client',
    'x-app: route',
    'x-absent: route',
    'x-app: vhost',
    'x-rm: vhost',
    'x-set: config',
    'x-app: config',
    'x-rm: config',
  ]);
});

test('most_specific_header_mutations_wins turns the order round; a weighted cluster stays first', () => {
  const weighted = {
    weighted_clusters: { clusters: [{ name: 'up', weight: 1, ...levels('cluster') }] },
  };
  const config = { ...levels('config'), most_specific_header_mutations_wins: true };
  const host = { ...levels('vhost'), request_headers_to_remove: ['x-rm'] };
  assert.deepEqual(sent(request('/'), levels('route'), host, config, weighted), [
    'x-app: cluster',
    'x-absent: cluster',
    'x-app: config',
    'x-app: vhost',
    'x-rm: vhost',
    'x-set: route',
    'x-app: route',
    'x-rm: route',
  ]);
});

test('values are worked out from the headers as they were, operators and all', () => {
  const entry = {
    request_headers_to_add: [
      add('x-a', '%REQ(x-in)%', SET),
      add('x-in', 'changed', SET),
      add('x-b', 'a%REQ(x-in)%b%PROTOCOL%'),
      add('x-c', '100%%'),
      add('x-none', '%REQ(x-missing)%'),
    ],
  };
  assert.deepEqual(sent(request('/', [['x-in', 'value']]), entry), [
    'x-a: value',
    'x-in: changed',
    'x-b: avaluebHTTP/1.1',
    'x-c: 100%',
  ]);
});

test('response changes apply to the response alone', () => {
  const entry = {
    response_headers_to_add: [add('x-set', 'new', SET), add('set-cookie', 'a=1'), add('set-cookie', 'b=2')],
    response_headers_to_remove: ['x-up'],
  };
  const headers = request('/');
  const route = tableOf([to('r', { prefix: '/' }, {}, entry)]).match(headers, zero, CONNECTION)!;
  assert.ok(route.hasResponseMutations);
  assert.ok(!route.hasRequestMutations);
  const answer = response(200, [
    ['x-up', '1'],
    ['x-set', 'old'],
    ['server', 's'],
  ]);
  route.finalizeResponse(answer, streamInfo(headers, answer));
  assert.deepEqual(lines(answer), ['server: s', 'x-set: new', 'set-cookie: a=1', 'set-cookie: b=2']);
});

test('pseudo-headers, Host, two append settings and unknown operators are refused', () => {
  const refused = (entry: object) => () => tableOf([to('r', { prefix: '/' }, {}, entry)]);
  assert.throws(
    refused({ request_headers_to_add: [add('host', 'x')] }),
    /:-prefixed or host headers may not be modified/,
  );
  assert.throws(
    refused({ request_headers_to_add: [add(':path', 'x')] }),
    /:-prefixed or host headers may not be modified/,
  );
  assert.throws(refused({ request_headers_to_remove: ['Host'] }), /:-prefixed or host headers may not be removed/);
  assert.throws(
    refused({ request_headers_to_add: [{ ...add('a', 'x', 'ADD_IF_ABSENT'), append: true }] }),
    /append and append_action exclude each other/,
  );
  assert.throws(
    refused({ request_headers_to_add: [add('a', '%NOPE%')] }),
    /routes\[0\]\.request_headers_to_add\[0\]\.header\.value: .*NOPE/,
  );
  assert.throws(refused({ request_headers_to_add: [add('a', '100%')] }), /header\.value/);
});
