import type { Http2Options } from '../codec/http2/options.js';
import type { Http2ProtocolOptions } from '../xds/types.js';

/** What both sides of HTTP/2 read from `Http2ProtocolOptions`; the codec fills in Envoy's defaults. */
export function commonHttp2Options(o: Http2ProtocolOptions | null | undefined): Http2Options {
  if (o === null || o === undefined) return {};
  const keepalive = o.connection_keepalive;
  return {
    hpackTableSize: o.hpack_table_size,
    maxConcurrentStreams: o.max_concurrent_streams,
    initialStreamWindowSize: o.initial_stream_window_size,
    initialConnectionWindowSize: o.initial_connection_window_size,
    allowConnect: o.allow_connect,
    maxOutboundFrames: o.max_outbound_frames,
    maxOutboundControlFrames: o.max_outbound_control_frames,
    maxConsecutiveInboundFramesWithEmptyPayload: o.max_consecutive_inbound_frames_with_empty_payload,
    maxInboundPriorityFramesPerStream: o.max_inbound_priority_frames_per_stream,
    maxInboundWindowUpdateFramesPerDataFrameSent: o.max_inbound_window_update_frames_per_data_frame_sent,
    customSettings: o.custom_settings_parameters.map((p) => [p.identifier, p.value] as const),
    keepalive:
      keepalive === undefined
        ? undefined
        : {
            interval: keepalive.interval ?? 0,
            timeout: keepalive.timeout,
            intervalJitterPercent: keepalive.interval_jitter?.value,
            connectionIdleInterval: keepalive.connection_idle_interval,
          },
  };
}
