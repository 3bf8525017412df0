import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bit, H, headerName, headerNameOfBytes, permanentName } from './header-names.js';
import { type HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from './headers.js';
import { seededRandom } from './random.js';

const lines = (map: HeaderMap) => map.names.map((name, i) => `${name.text}: ${map.values[i]}`);

describe('header names', () => {
  it('are one object per name, whatever the case and the way they come', () => {
    const bytes = Buffer.from('x: X-Request-ID: y');
    assert.equal(headerNameOfBytes(bytes, 3, 15), H.xRequestId);
    assert.equal(permanentName('X-REQUEST-ID'), H.xRequestId);
    assert.equal(headerName('x-request-id'), H.xRequestId);
  });

  it('carry the bit of the rule that mentions them', () => {
    assert.equal(H.te.bit, Bit.TE);
    assert.equal(permanentName('x-envoy-anything').bit, Bit.X_ENVOY);
    assert.equal(permanentName('x-envoy-internal').bit, Bit.X_ENVOY_NOTE);
    assert.equal(headerName('x-unheard-of').bit, 0);
  });

  it('become permanent when configuration mentions them, and stay the same object', () => {
    const name = headerName('x-first-by-traffic');
    assert.equal(name.permanent, false);
    assert.equal(permanentName('X-First-By-Traffic'), name);
    assert.equal(name.permanent, true);
  });

  it('of traffic alone are forgotten in the end, and permanent ones are not', () => {
    const kept = permanentName('x-kept-by-configuration');
    for (let i = 0; i < 200_000; i++) headerName(`x-flood-${i}`);
    assert.equal(headerName('x-kept-by-configuration'), kept);
    assert.equal(headerNameOfBytes(Buffer.from('Host'), 0, 4), H.host);
  });

  it('that were forgotten and came anew are still the same header to a map', () => {
    const before = headerName('x-comes-again');
    const map = new RequestHeaders();
    map.add(before, '1');
    for (let i = 0; i < 200_000; i++) headerName(`x-other-flood-${i}`);
    const after = headerName('x-comes-again');
    assert.notEqual(after, before);
    assert.equal(map.get(after), '1');
  });
});

describe('a header map', () => {
  it('keeps lines of a repeated name apart when Envoy does', () => {
    const map = new RequestHeaders();
    const name = headerName('x-a');
    map.add(name, '1');
    map.add(H.host, 'h');
    map.add(name, '2');
    assert.deepEqual(lines(map), ['x-a: 1', 'host: h', 'x-a: 2']);
    assert.equal(map.get(name), '1');
    assert.equal(map.getJoined(name), '1,2');
  });

  it('joins repeated lines of a header of which Envoy keeps one value', () => {
    const map = new RequestHeaders();
    map.add(H.xForwardedFor, '10.0.0.1');
    map.add(H.cookie, 'a=1');
    map.add(H.xForwardedFor, '10.0.0.2');
    map.add(H.cookie, 'b=2');
    assert.deepEqual(lines(map), ['x-forwarded-for: 10.0.0.1,10.0.0.2', 'cookie: a=1; b=2']);
  });

  it('joins by the kind of map: a header that is single in requests may repeat in responses', () => {
    const request = new RequestHeaders();
    const response = new ResponseHeaders(200);
    for (const map of [request, response]) for (const value of ['a', 'b']) map.add(H.cookie, value);
    assert.equal(request.size, 1);
    assert.equal(response.size, 2);
  });

  it('lets an empty value add nothing to another, and be replaced by one', () => {
    const map = new RequestHeaders();
    map.add(H.xForwardedFor, '');
    map.add(H.xForwardedFor, 'a');
    map.add(H.xForwardedFor, '');
    assert.deepEqual(lines(map), ['x-forwarded-for: a']);
  });

  it('tells an empty value from an absent one', () => {
    const map = new ResponseHeaders(200);
    map.push(H.server, '');
    assert.equal(map.has(H.server), true);
    assert.equal(map.get(H.server), '');
    assert.equal(map.get(H.via), undefined);
  });

  it('sets at the place of the first line and drops the others', () => {
    const map = new Trailers();
    const name = headerName('x-b');
    for (const value of ['1', '2', '3']) {
      map.push(name, value);
      map.push(H.via, value);
    }
    map.set(name, 'new');
    assert.deepEqual(lines(map), ['x-b: new', 'via: 1', 'via: 2', 'via: 3']);
    map.set(headerName('x-c'), 'added');
    assert.equal(lines(map).at(-1), 'x-c: added');
  });

  it('removes every line of a name and says whether there was one', () => {
    const map = new RequestHeaders();
    for (const value of ['1', '2']) map.push(H.te, value);
    map.push(H.host, 'h');
    assert.equal(map.remove(H.te), true);
    assert.equal(map.remove(H.te), false);
    assert.equal(map.remove(H.upgrade), false);
    assert.deepEqual(lines(map), ['host: h']);
  });

  it('counts the bytes of names and values, without separators', () => {
    const map = new RequestHeaders();
    map.path = '/not/counted';
    map.push(H.host, 'abc');
    map.push(H.te, '');
    assert.equal(map.byteSize(), 4 + 3 + 2);
  });

  it('agrees with a plain list over random operations', () => {
    const names = [H.host, H.te, H.via, headerName('x-p'), headerName('x-q'), permanentName('x-r')];
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const map = new Trailers();
      let model: [string, string][] = [];
      for (let step = 0; step < 100; step++) {
        const name = names[random.u32() % names.length];
        const value = String(random.u32() % 10);
        const at = model.findIndex(([text]) => text === name.text);
        switch (random.u32() % 3) {
          case 0:
            map.add(name, value);
            model.push([name.text, value]);
            break;
          case 1:
            map.set(name, value);
            if (at < 0) model.push([name.text, value]);
            else model = model.filter(([text], i) => text !== name.text || i === at);
            if (at >= 0) model[at] = [name.text, value];
            break;
          default:
            assert.equal(map.remove(name), at >= 0);
            model = model.filter(([text]) => text !== name.text);
        }
        assert.deepEqual(
          lines(map),
          model.map(([text, v]) => `${text}: ${v}`),
        );
        for (const asked of names) {
          assert.equal(map.get(asked), model.find(([text]) => text === asked.text)?.[1]);
          if (map.has(asked)) assert.equal(map.bits & asked.bit, asked.bit, 'a bit of a header that is there is set');
        }
      }
    }
  });
});
