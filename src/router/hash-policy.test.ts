import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeaders } from '../base/headers.js';
import { xxHash64 } from '../base/xxhash64.js';
import { CONNECTION, request, streamInfo, tableOf, to, zero } from './testing.js';

/** Hash of a request under the policies, and the cookies that were made. */
function hash(policies: object[], headers: RequestHeaders): { hash: bigint | null; cookies: string[] } {
  const route = tableOf([to('r', { prefix: '/' }, { hash_policy: policies })]).match(headers, zero, CONNECTION)!;
  const cookies: string[] = [];
  return {
    hash: route.hashPolicy!.hash(headers, streamInfo(headers), { addSetCookie: (value) => cookies.push(value) }),
    cookies,
  };
}

const header = (header_name: string, more: object = {}) => ({ header: { header_name }, ...more });
const rotate = (x: bigint) => BigInt.asUintN(64, x << 1n) | (x >> 63n);

test('a header is hashed; its repeated lines are sorted and chained', () => {
  assert.equal(hash([header('x-key')], request('/', [['x-key', 'a']])).hash, xxHash64('a'));
  const both = xxHash64('b', xxHash64('a'));
  assert.equal(
    hash(
      [header('x-key')],
      request('/', [
        ['x-key', 'a'],
        ['x-key', 'b'],
      ]),
    ).hash,
    both,
  );
  assert.equal(
    hash(
      [header('x-key')],
      request('/', [
        ['x-key', 'b'],
        ['x-key', 'a'],
      ]),
    ).hash,
    both,
  );
  assert.equal(hash([header('x-key')], request('/')).hash, null);
  assert.equal(hash([header(':path')], request('/p')).hash, xxHash64('/p'));
});

test('a header can be rewritten before it is hashed', () => {
  const policy = {
    header: { header_name: 'x-key', regex_rewrite: { pattern: { regex: '^key-(.).*$' }, substitution: '\\1' } },
  };
  assert.equal(hash([policy], request('/', [['x-key', 'key-1a']])).hash, xxHash64('1'));
});

test('hashes are combined by rotating, and a terminal policy that hashed is the last', () => {
  const two: [string, string][] = [
    ['x-a', 'z'],
    ['x-b', 'z'],
  ];
  const one = xxHash64('z');
  assert.equal(hash([header('x-a'), header('x-b')], request('/', two)).hash, rotate(one) ^ one);
  assert.equal(hash([header('x-a', { terminal: true }), header('x-b')], request('/', two)).hash, one);
  assert.equal(hash([header('x-none', { terminal: true }), header('x-b')], request('/', two)).hash, one);
});

test('a query parameter and the source address', () => {
  const query = { query_parameter: { name: 'q' } };
  assert.equal(hash([query], request('/?q=1')).hash, xxHash64('1'));
  assert.equal(hash([query], request('/?q')).hash, xxHash64(''));
  assert.equal(hash([query], request('/')).hash, null);
  assert.equal(hash([{ connection_properties: { source_ip: true } }], request('/')).hash, xxHash64('203.0.113.7'));
  assert.equal(hash([{ connection_properties: { source_ip: false } }], request('/')).hash, null);
});

test('a cookie is hashed, and made when it is missing and has a ttl', () => {
  const cookie = (more: object) => [{ cookie: { name: 'k', ...more } }];
  assert.deepEqual(hash(cookie({}), request('/', [['cookie', 'x=1; k=one']])), { hash: xxHash64('one'), cookies: [] });
  assert.deepEqual(hash(cookie({}), request('/')), { hash: null, cookies: [] });
  const value = xxHash64(CONNECTION.remoteAddress + CONNECTION.localAddress)
    .toString(16)
    .padStart(16, '0');
  const made = (more: object, line: string, asked: [string, string][] = []) =>
    assert.deepEqual(hash(cookie(more), request('/', asked)), {
      hash: xxHash64(value),
      cookies: [`k="${value}"${line}`],
    });
  const attributes = [
    { name: 'SameSite', value: 'Strict' },
    { name: 'Secure', value: '' },
  ];
  made({ ttl: '3600.7s', path: '/p', attributes }, '; Max-Age=3600; Path=/p; SameSite=Strict; Secure; HttpOnly');
  made({ ttl: '0s' }, '; HttpOnly');
  made({ ttl: '0.5s' }, '; HttpOnly');
  made({ ttl: '1s' }, '; Max-Age=1; HttpOnly', [['cookie', 'k=']]);
});

test('hashing filter state is refused', () => {
  const config = [to('r', { prefix: '/' }, { hash_policy: [{ filter_state: { key: 'k' } }] })];
  assert.throws(() => tableOf(config), /hash_policy\[0\]\.filter_state/);
});
