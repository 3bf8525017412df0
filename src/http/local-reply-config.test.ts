import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanentName } from '../base/header-names.js';
import { systemFormatDeps } from '../observe/format-types.js';
import { compileHeaderMatcher } from '../router/header-matcher.js';
import { tableOf, to } from '../router/testing.js';
import { decode } from '../xds/decode.js';
import type { HeaderMatcher } from '../xds/types.js';
import { LocalReplyRewriter } from './local-reply-config.js';
import { HttpBench, head } from './test-kit.js';

const deps = {
  ...systemFormatDeps(),
  runtime: () => undefined,
  headerMatcher: (config: object) => compileHeaderMatcher(config as HeaderMatcher),
};

/** The answer to a request that no route matches: 404 with an empty body. */
function notFound(config: object, lines: Record<string, string> = {}) {
  const localReplies = new LocalReplyRewriter(decode('LocalReplyConfig', config), deps);
  const bench = new HttpBench({ localReplies, routes: tableOf([to('c', { prefix: '/known' })]) });
  const { response } = bench.send(head('GET', '/', lines));
  const get = (name: string) => response.headers!.get(permanentName(name));
  return { status: response.status, body: response.body, get };
}

const status = (code: number) => ({
  status_code_filter: { comparison: { op: 'EQ', value: { default_value: code, runtime_key: 'k' } } },
});

test('the first mapper that chooses a reply changes status, body and headers', () => {
  const reply = notFound({
    mappers: [
      { filter: status(503), status_code: 500 },
      {
        filter: status(404),
        status_code: 410,
        body: { inline_string: 'gone' },
        headers_to_add: [{ header: { key: 'x-was', value: '%RESPONSE_CODE%' } }],
      },
      { filter: status(404), status_code: 418 },
    ],
  });
  assert.deepEqual([reply.status, reply.body, reply.get('x-was')], [410, 'gone', '404']);
  assert.deepEqual([reply.get('content-type'), reply.get('content-length')], ['text/plain', '4']);
});

test('the body is formatted after the mapper, by its own format before the general one', () => {
  const body_format = { text_format_source: { inline_string: '<%LOCAL_REPLY_BODY%>' }, content_type: 'text/html' };
  const general = notFound({ body_format, mappers: [{ filter: status(404), body: { inline_string: 'b' } }] });
  assert.deepEqual([general.body, general.get('content-type')], ['<b>', 'text/html']);
  const body_format_override = { json_format: { code: '%RESPONSE_CODE%' } };
  const own = notFound({ body_format, mappers: [{ filter: status(404), body_format_override }] });
  assert.deepEqual([own.body, own.get('content-type')], ['{"code":404}\n', 'application/json']);
});

test('the body of a gRPC reply goes into grpc-message, without the line feed of JSON', () => {
  const reply = notFound(
    { body_format: { json_format: { code: '%RESPONSE_CODE%' } } },
    { 'content-type': 'application/grpc' },
  );
  assert.deepEqual([reply.status, reply.body, reply.get('grpc-status')], [200, '', '12']);
  assert.equal(reply.get('grpc-message'), '{"code":404}');
});
