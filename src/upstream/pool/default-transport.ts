import type { Dispatcher } from '../../base/dispatcher.js';
import { createHttp1ClientCodec } from '../../codec/http1/client.js';
import { type Http1ClientOptions, Http1CodecStats } from '../../codec/http1/options.js';
import { createHttp2ClientCodec } from '../../codec/http2/client.js';
import type { Http2Options, KeepaliveOptions } from '../../codec/http2/options.js';
import { HTTP2_GAUGES, Http2CodecStats } from '../../codec/http2/stats.js';
import { connectUpstream } from '../../network/connection.js';
import { applySocketOptions, missingSocketOption } from '../../network/socket-options.js';
import type * as xds from '../../xds/types.js';
import type { ClusterConfig } from '../cluster-config.js';
import type { ClusterScope } from '../cluster-stats.js';
import type { Dial } from '../host.js';
import { invalid, unsupported } from '../refuse.js';
import type { Transport } from './transport.js';

/** Upstream response heads may be larger than requests: max_response_headers_kb. */
const DEFAULT_RESPONSE_HEADERS_KB = 80;

/**
 * Plain TCP with this project's codecs.
 *
 * @throws ConfigError when the platform lacks a socket option that is asked for
 */
export function defaultTransport(dispatcher: Dispatcher, config: ClusterConfig, scope: ClusterScope): Transport {
  const { localAddress, localPort, socketOptions } = config.connect;
  const missing = socketOptions === null ? null : missingSocketOption(socketOptions);
  if (missing !== null) unsupported(config.source, 'upstream_connection_options', config.name, missing);
  const http1 = http1Options(config);
  const http2 = http2Options(config);
  return {
    connect: (dial: Dial) =>
      connectUpstream(dispatcher, {
        host: dial.host,
        port: dial.port,
        path: dial.path,
        localAddress,
        localPort,
        socketOptions: socketOptions ?? undefined,
        applyOptions: applySocketOptions,
      }),
    http1: (connection, callbacks) =>
      createHttp1ClientCodec(connection, callbacks, http1, scope.http1Stats(makeHttp1Stats)),
    http2: (connection, callbacks) =>
      createHttp2ClientCodec(connection, callbacks, http2, scope.http2Stats(makeHttp2Stats, HTTP2_GAUGES)),
  };
}

const makeHttp1Stats = () => new Http1CodecStats();
const makeHttp2Stats = () => new Http2CodecStats();

export function http1Options(config: ClusterConfig): Http1ClientOptions {
  const { http1, common, pool, name } = config;
  const format = http1?.header_key_format;
  if (format?.stateful_formatter !== undefined)
    unsupported(format, 'stateful_formatter', name, 'keeping the case of header names');
  return {
    maxHeadersKb: common?.max_response_headers_kb ?? DEFAULT_RESPONSE_HEADERS_KB,
    maxHeadersCount: common?.max_headers_count,
    enableTrailers: http1?.enable_trailers,
    allowChunkedLength: http1?.allow_chunked_length,
    headerKeyFormat: format?.proper_case_words !== undefined ? 'proper' : 'lower',
    sendFullyQualifiedUrl: http1?.send_fully_qualified_url,
    bufferLimit: pool.bufferLimit,
  };
}

export function http2Options(config: ClusterConfig): Http2Options {
  const { http2, common, pool, name } = config;
  if (http2?.use_oghttp2_codec) unsupported(http2, 'use_oghttp2_codec', name, 'oghttp2');
  if (http2?.stream_reset_burst !== undefined || http2?.stream_reset_rate !== undefined)
    unsupported(http2, 'stream_reset_burst', name, 'another limit of resets');
  return {
    hpackTableSize: http2?.hpack_table_size,
    maxConcurrentStreams: http2?.max_concurrent_streams,
    initialStreamWindowSize: http2?.initial_stream_window_size,
    initialConnectionWindowSize: http2?.initial_connection_window_size,
    allowConnect: http2?.allow_connect,
    maxOutboundFrames: http2?.max_outbound_frames,
    maxOutboundControlFrames: http2?.max_outbound_control_frames,
    maxConsecutiveInboundFramesWithEmptyPayload: http2?.max_consecutive_inbound_frames_with_empty_payload,
    maxInboundPriorityFramesPerStream: http2?.max_inbound_priority_frames_per_stream,
    maxInboundWindowUpdateFramesPerDataFrameSent: http2?.max_inbound_window_update_frames_per_data_frame_sent,
    streamErrorOnInvalidMessage:
      http2?.override_stream_error_on_invalid_http_message ?? http2?.stream_error_on_invalid_http_messaging,
    customSettings: http2?.custom_settings_parameters.map(({ identifier, value }) => [identifier, value] as const),
    keepalive: keepalive(http2?.connection_keepalive, name),
    maxHeadersKb: common?.max_response_headers_kb ?? DEFAULT_RESPONSE_HEADERS_KB,
    maxHeadersCount: common?.max_headers_count,
    bufferLimit: pool.bufferLimit,
  };
}

function keepalive(given: xds.KeepaliveSettings | undefined, name: string): KeepaliveOptions | undefined {
  if (given === undefined) return undefined;
  if (given.timeout < 1) invalid(given, 'timeout', name, 'must be at least 1 ms');
  return {
    interval: given.interval ?? 0,
    timeout: given.timeout,
    intervalJitterPercent: given.interval_jitter?.value,
    connectionIdleInterval: given.connection_idle_interval,
  };
}
