import type { Dispatcher } from '../base/dispatcher.js';
import { createHttp1ClientCodec } from '../codec/http1/client.js';
import { Http1CodecStats, type Http1ClientOptions } from '../codec/http1/options.js';
import { createHttp2ClientCodec } from '../codec/http2/client.js';
import type { Http2Options } from '../codec/http2/options.js';
import { HTTP2_GAUGES, Http2CodecStats } from '../codec/http2/stats.js';
import { connectUpstream } from '../network/connection.js';
import { applySocketOptions } from '../network/socket-options.js';
import type { ClusterConfig } from '../upstream/cluster-config.js';
import type { ClusterScope } from '../upstream/cluster-stats.js';
import type { Transport } from '../upstream/pool/transport.js';
import { commonHttp2Options } from './http2-options.js';

/** Largest head of a response: 80 KiB, unlike the 60 KiB of a request. */
const RESPONSE_HEADERS_KB = 80;

/** Binds a cluster's options into the way its pools connect and speak. */
export function clusterTransport(dispatcher: Dispatcher, config: ClusterConfig, scope: ClusterScope): Transport {
  const http1Stats = new Http1CodecStats();
  const http2Stats = new Http2CodecStats();
  if (config.protocol !== 'http2') scope.register(`cluster.${config.observabilityName}.http1.`, http1Stats);
  if (config.protocol !== 'http1') scope.register(`cluster.${config.observabilityName}.http2.`, http2Stats, HTTP2_GAUGES);
  const { common, connect, http1, http2 } = config;
  const limits = {
    maxHeadersKb: common?.max_response_headers_kb ?? RESPONSE_HEADERS_KB,
    maxHeadersCount: common?.max_headers_count ?? 100,
    bufferLimit: config.pool.bufferLimit,
  };
  const http1Options: Http1ClientOptions = {
    ...limits,
    enableTrailers: http1?.enable_trailers ?? false,
    allowChunkedLength: http1?.allow_chunked_length ?? false,
    headerKeyFormat: http1?.header_key_format?.proper_case_words !== undefined ? 'proper' : 'lower',
    sendFullyQualifiedUrl: http1?.send_fully_qualified_url ?? false,
  };
  const http2Options: Http2Options = {
    ...commonHttp2Options(http2),
    ...limits,
    maxHeadersKb: common?.max_response_headers_kb ?? 60,
    streamErrorOnInvalidMessage:
      http2?.override_stream_error_on_invalid_http_message ?? http2?.stream_error_on_invalid_http_messaging ?? false,
  };
  return {
    connect: (dial) =>
      connectUpstream(dispatcher, {
        host: dial.host,
        port: dial.port,
        path: dial.path,
        localAddress: connect.localAddress,
        localPort: connect.localPort,
        socketOptions: connect.socketOptions ?? undefined,
        applyOptions: applySocketOptions,
      }),
    http1: (connection, callbacks) => createHttp1ClientCodec(connection, callbacks, http1Options, http1Stats),
    http2: (connection, callbacks) => createHttp2ClientCodec(connection, callbacks, http2Options, http2Stats),
  };
}
