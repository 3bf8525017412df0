import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../xds/decode.js';
import { compileHeaderMatcher } from './header-matcher.js';
import { CookieMatcher, QueryMatcher } from './query.js';
import { request } from './testing.js';

type Lines = [string, string][];

/** Rows of `[values of x-v, expected]`; null is a missing header. */
function rows(config: object, expected: [string[] | null, boolean][]): void {
  const matcher = compileHeaderMatcher(decode('HeaderMatcher', { name: 'X-V', ...config }));
  for (const [values, wanted] of expected) {
    const headers = request('/', (values ?? []).map((value) => ['x-v', value]) as Lines);
    assert.equal(matcher.matches(headers), wanted, `${JSON.stringify(config)} ${JSON.stringify(values)}`);
  }
}

test('an exact match looks at each value of a repeated header, not at their join', () => {
  rows({ string_match: { exact: 'one' } }, [
    [['one'], true],
    [['One'], false],
    [['one,two'], false],
    [[''], false],
    [null, false],
    [['one', 'two'], true],
    [['two', 'one'], true],
  ]);
  rows({ string_match: { exact: 'a,b' } }, [
    [['a', 'b'], false],
    [['a,b'], true],
  ]);
});

test('the other kinds of string match, with and without case', () => {
  rows({ string_match: { prefix: 'ab' } }, [
    [['abc'], true],
    [['ABC'], false],
  ]);
  rows({ string_match: { suffix: 'yz' } }, [
    [['xyz'], true],
    [['yzx'], false],
  ]);
  rows({ string_match: { contains: 'mid' } }, [
    [['amidst'], true],
    [['aMIDst'], false],
  ]);
  rows({ string_match: { safe_regex: { regex: 'a+b' } } }, [
    [['aaab'], true],
    [['xaab'], false],
    [['aabb'], false],
  ]);
  rows({ string_match: { exact: 'AbC', ignore_case: true } }, [[['aBc'], true]]);
  rows({ string_match: { contains: 'MiD', ignore_case: true } }, [[['xmidx'], true]]);
});

test('the deprecated forms mean what string_match means', () => {
  rows({ exact_match: 'one' }, [
    [['one'], true],
    [['two'], false],
  ]);
  rows({ prefix_match: 'o' }, [
    [['one'], true],
    [['two'], false],
  ]);
  rows({ suffix_match: 'e' }, [
    [['one'], true],
    [['two'], false],
  ]);
  rows({ contains_match: 'w' }, [
    [['one'], false],
    [['two'], true],
  ]);
  rows({ safe_regex_match: { regex: 't.o' } }, [
    [['one'], false],
    [['two'], true],
  ]);
});

test('text of the configuration is compared as UTF-8 bytes, and case is folded for ASCII alone', () => {
  const wire = Buffer.from('é', 'utf8').toString('latin1');
  rows({ string_match: { exact: 'é' } }, [
    [[wire], true],
    [['\xe9'], false],
  ]);
  rows({ string_match: { exact: 'É', ignore_case: true } }, [[[wire], false]]);
  rows({ string_match: { safe_regex: { regex: '.' } } }, [
    [[wire], false],
    [['\xe9'], true],
  ]);
  rows({ string_match: { safe_regex: { regex: 'é' } } }, [[[wire], true]]);
});

test('a range is half open and wants a whole decimal number', () => {
  rows({ range_match: { start: 10, end: 20 } }, [
    [['9'], false],
    [['10'], true],
    [['19'], true],
    [['20'], false],
    [['abc'], false],
    [['1e1'], false],
    [['15.0'], false],
    [['+15'], true],
    [['015'], true],
    [['+ 15'], false],
    [['0x0f'], false],
    [[' 15 '], true],
    [['99999999999999999999'], false],
    [[''], false],
    [null, false],
    [['9', '12'], true],
  ]);
  rows({ range_match: { start: -10, end: 0 } }, [
    [['-10'], true],
    [['-1'], true],
    [['0'], false],
  ]);
});

test('present_match, and a name alone, ask for the header itself', () => {
  rows({}, [
    [['1'], true],
    [[''], true],
    [null, false],
  ]);
  rows({ present_match: true }, [
    [[''], true],
    [null, false],
  ]);
  rows({ present_match: false }, [
    [[''], false],
    [null, true],
  ]);
  rows({ present_match: true, treat_missing_header_as_empty: true }, [[null, true]]);
  rows({ present_match: false, treat_missing_header_as_empty: true }, [
    [null, false],
    [[''], false],
  ]);
  rows({ present_match: false, invert_match: true }, [
    [null, false],
    [[''], true],
  ]);
  rows({ invert_match: true }, [
    [null, true],
    [['a'], false],
  ]);
});

test('an inverted match wants a value, and none that matches', () => {
  rows({ string_match: { exact: 'one' }, invert_match: true }, [
    [['one'], false],
    [['two'], true],
    [[''], true],
    [null, false],
    [['one', 'two'], false],
    [['two', 'three'], true],
  ]);
  rows({ range_match: { start: 1, end: 5 }, invert_match: true }, [
    [['9', '2'], false],
    [['abc'], true],
    [null, false],
  ]);
});

test('treat_missing_header_as_empty gives a missing header the value of an empty one', () => {
  const treat = { treat_missing_header_as_empty: true };
  rows({ string_match: { exact: '' }, ...treat }, [
    [null, true],
    [[''], true],
    [['1'], false],
  ]);
  rows({ string_match: { exact: 'one' }, invert_match: true, ...treat }, [
    [null, true],
    [['one'], false],
    [['two'], true],
  ]);
  rows({ string_match: { safe_regex: { regex: '.*' } }, ...treat }, [[null, true]]);
  rows({ range_match: { start: 0, end: 5 }, ...treat }, [[null, false]]);
});

test('pseudo-headers and Host are matched by their names', () => {
  const matches = (name: string, exact: string) =>
    compileHeaderMatcher(decode('HeaderMatcher', { name, string_match: { exact } })).matches(
      request('/x?q', [], 'h.test'),
    );
  assert.ok(matches(':METHOD', 'GET'));
  assert.ok(matches(':path', '/x?q'));
  assert.ok(matches(':authority', 'h.test'));
  assert.ok(matches('Host', 'h.test'));
  assert.ok(matches(':scheme', 'http'));
  assert.ok(!matches(':protocol', 'websocket'));
  assert.ok(!matches(':status', '200'));
});

test('a query parameter matches by its first value, undecoded', () => {
  const matches = (config: object, path: string) =>
    new QueryMatcher(decode('QueryParameterMatcher', { name: 'k', ...config })).matches(request(path));
  const exact = { string_match: { exact: 'v' } };
  for (const path of ['/?k=v', '/?k=v&k=x', '/?&k=v', '/?=&k=v', '/?k=v&', '/?a=1&k=v'])
    assert.ok(matches(exact, path), path);
  for (const path of ['/?k=V', '/?k=vv', '/?k=x&k=v', '/?k=%76', '/?a?k=v', '/?k=v?', '/?xk=v', '/?kk=v', '/k=v', '/'])
    assert.ok(!matches(exact, path), path);
  const present = { present_match: true };
  for (const path of ['/?k=1', '/?k', '/?k=', '/?x=1&k=2']) assert.ok(matches(present, path), path);
  for (const path of ['/?K=1', '/?xk=1', '/', '/?a=k']) assert.ok(!matches(present, path), path);
  assert.ok(matches({ present_match: false }, '/n'));
});

test('a cookie matches by the first of its name over all lines, quotes taken off', () => {
  const matches = (config: object, ...values: string[]) =>
    new CookieMatcher(decode('CookieMatcher', { name: 'k', string_match: { exact: 'v' }, ...config })).matches(
      request('/', values.map((value) => ['cookie', value]) as Lines),
    );
  for (const value of ['k=v', 'a=1; k=v', 'a=1;k=v', 'k="v"', 'k=v; k=x', 'k=v ']) assert.ok(matches({}, value), value);
  assert.ok(matches({}, 'a=1', 'k=v'));
  for (const value of ['k=x; k=v', 'K=v', 'k =v', 'a=1, k=v', 'k= v; x', 'k=v=w', 'k', 'ak=v'])
    assert.ok(!matches({}, value), value);
  assert.ok(!matches({}));
  const invert = { invert_match: true };
  assert.ok(matches(invert));
  assert.ok(!matches(invert, 'k=v'));
  assert.ok(matches(invert, 'k=x'));
  const empty = { string_match: { exact: '' } };
  assert.ok(matches(empty, 'k='));
  assert.ok(!matches(empty, 'k'));
});
