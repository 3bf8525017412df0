import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { H } from '../base/header-names.js';
import { makeLocalReply, percentEncode } from './local-reply.js';
import { head, texts } from './test-kit.js';

const grpc = (method = 'POST') => head(method, '/', { 'content-type': 'application/grpc+proto' });

describe('a local reply', () => {
  it('has length, type and body', () => {
    const { headers, body } = makeLocalReply(504, 'upstream request timeout', head('GET', '/'), null, undefined);
    assert.equal(headers.status, 504);
    assert.deepEqual(texts(headers), ['content-length: 24', 'content-type: text/plain']);
    assert.equal(String(body), 'upstream request timeout');
  });

  it('is headers only without a body, and says no length', () => {
    const { headers, body } = makeLocalReply(404, '', head('GET', '/'), null, undefined);
    assert.deepEqual([texts(headers), body], [[], null]);
  });

  it('to HEAD has the length of the body it leaves out', () => {
    const { headers, body } = makeLocalReply(503, 'no healthy upstream', head('HEAD', '/'), null, undefined);
    assert.equal(headers.get(H.contentLength), '19');
    assert.equal(body, null);
  });

  it('counts bytes, not characters', () => {
    const { headers } = makeLocalReply(503, 'é', head('GET', '/'), null, undefined);
    assert.equal(headers.get(H.contentLength), '2');
  });

  it('is made before there is a request', () => {
    const { headers, body } = makeLocalReply(408, 'request header timeout', null, null, undefined);
    assert.deepEqual([headers.status, String(body)], [408, 'request header timeout']);
  });

  it('keeps a content type that its maker sets', () => {
    const html = (headers: Parameters<NonNullable<Parameters<typeof makeLocalReply>[3]>>[0]) =>
      headers.set(H.contentType, 'text/html');
    const { headers } = makeLocalReply(200, '<p>', head('GET', '/'), html, undefined);
    assert.equal(headers.get(H.contentType), 'text/html');
  });

  for (const [status, code] of [
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [408, 2],
    [429, 14],
    [500, 2],
    [502, 14],
    [503, 14],
    [504, 14],
  ])
    it(`to gRPC is 200 with grpc-status ${code} for ${status}`, () => {
      const { headers, body } = makeLocalReply(status, 'text', grpc(), null, undefined);
      assert.equal(headers.status, 200);
      assert.deepEqual(texts(headers), [
        'content-type: application/grpc',
        `grpc-status: ${code}`,
        'grpc-message: text',
      ]);
      assert.equal(body, null);
    });

  it('to gRPC has the status that its maker names, and no message without a body', () => {
    const { headers } = makeLocalReply(504, '', grpc(), null, 4);
    assert.deepEqual(texts(headers), ['content-type: application/grpc', 'grpc-status: 4']);
  });

  it('does not take every content type that begins like gRPC for gRPC', () => {
    const request = head('POST', '/', { 'content-type': 'application/grpc-web' });
    assert.equal(makeLocalReply(503, '', request, null, undefined).headers.status, 503);
  });
});

describe('grpc-message', () => {
  it('keeps printable ASCII and writes the rest as %XX of UTF-8', () => {
    assert.equal(percentEncode('a b~'), 'a b%7E');
    assert.equal(percentEncode('100%'), '100%25');
    assert.equal(percentEncode('é\n\x7f'), '%C3%A9%0A%7F');
    assert.equal(percentEncode(''), '');
  });

  it('can be decoded to what was encoded', () => {
    const text = Array.from({ length: 0x250 }, (_, i) => String.fromCharCode(i)).join('');
    assert.equal(decodeURIComponent(percentEncode(text)), text);
  });
});
