import type { OutboundFrames } from './outbound-frames.js';

/** Statistics `http2.*` of all listeners' codecs, or of a cluster (`cluster.<name>.http2.*`). Field names are Envoy's. */
export class Http2CodecStats {
  /** Stays 0: the limit it counts is off in Envoy, and can only be set through its runtime. */
  cookies_total_bytes_too_large = 0;
  dropped_headers_with_underscores = 0;
  goaway_sent = 0;
  header_list_size_too_large = 0;
  header_overflow = 0;
  headers_cb_no_stream = 0;
  inbound_empty_frames_flood = 0;
  inbound_priority_frames_flood = 0;
  inbound_window_update_frames_flood = 0;
  keepalive_timeout = 0;
  metadata_empty_frames = 0;
  outbound_control_flood = 0;
  outbound_flood = 0;
  requests_rejected_with_underscores_in_headers = 0;
  rx_messaging_error = 0;
  rx_reset = 0;
  stream_refused_errors = 0;
  trailers = 0;
  tx_flush_timeout = 0;
  tx_reset = 0;
  deferred_stream_close = 0;
  pending_send_bytes = 0;
  streams_active = 0;
  /** Frames written that the kernel had not taken when it was last asked; read, it is asked again. */
  declare outbound_frames_active: number;
  declare outbound_control_frames_active: number;

  constructor() {
    const queues = new Set<OutboundFrames>();
    Object.defineProperty(this, 'queues', { value: queues });
    const sum = (control: boolean) => () => {
      let n = 0;
      for (const queue of queues) {
        queue.release();
        n += control ? queue.control : queue.frames;
      }
      return n;
    };
    Object.defineProperty(this, 'outbound_frames_active', { get: sum(false), enumerable: true });
    Object.defineProperty(this, 'outbound_control_frames_active', { get: sum(true), enumerable: true });
  }

  /** Connections with frames under way. Not a statistic, so not enumerable. */
  declare readonly queues: Set<OutboundFrames>;
}

export const HTTP2_GAUGES: ReadonlySet<string> = new Set([
  'deferred_stream_close',
  'pending_send_bytes',
  'streams_active',
  'outbound_frames_active',
  'outbound_control_frames_active',
]);
