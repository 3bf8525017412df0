import { LogLinearHistogram } from '../observe/histogram.js';
import type { Histogram } from '../observe/stats.js';

/** `listener.<address>.` */
export class ListenerStats {
  downstream_cx_destroy = 0;
  downstream_cx_overflow = 0;
  downstream_cx_overload_reject = 0;
  downstream_cx_total = 0;
  downstream_cx_transport_socket_connect_timeout = 0;
  downstream_global_cx_overflow = 0;
  downstream_pre_cx_timeout = 0;
  downstream_listener_filter_error = 0;
  downstream_listener_filter_remote_close = 0;
  no_filter_chain_match = 0;
  downstream_cx_active = 0;
  downstream_pre_cx_active = 0;
  readonly downstream_cx_length_ms: Histogram = new LogLinearHistogram();
  readonly connections_accepted_per_socket_event: Histogram = new LogLinearHistogram();
}

export const LISTENER_GAUGES: ReadonlySet<string> = new Set(['downstream_cx_active', 'downstream_pre_cx_active']);

/** `listener.<address>.worker_0.` */
export class WorkerStats {
  downstream_cx_total = 0;
  downstream_cx_active = 0;
}

export const WORKER_GAUGES: ReadonlySet<string> = new Set(['downstream_cx_active']);
