import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { Histogram } from '../observe/stats.js';

/** What is measured of one attempt; there only when the cluster tracks sizes. */
export class AttemptSizes {
  /** Bytes of body. */
  sent = 0;
  received = 0;
  /** As the upstream sent them; -1 while there are none. */
  responseHeadersSize = -1;
  responseHeadersCount = 0;

  noteResponse(headers: ResponseHeaders): void {
    // `:status` and its three digits.
    this.responseHeadersSize = 10 + headers.byteSize();
    this.responseHeadersCount = 1 + headers.size;
  }
}

/** `cluster.<name>.` histograms of track_cluster_stats.request_response_sizes. */
export class SizeStats {
  readonly upstream_rq_headers_size: Histogram;
  readonly upstream_rq_headers_count: Histogram;
  readonly upstream_rq_body_size: Histogram;
  readonly upstream_rs_headers_size: Histogram;
  readonly upstream_rs_headers_count: Histogram;
  readonly upstream_rs_body_size: Histogram;

  constructor(histogram: () => Histogram) {
    this.upstream_rq_headers_size = histogram();
    this.upstream_rq_headers_count = histogram();
    this.upstream_rq_body_size = histogram();
    this.upstream_rs_headers_size = histogram();
    this.upstream_rs_headers_count = histogram();
    this.upstream_rs_body_size = histogram();
  }

  /** An attempt is over. */
  record(request: RequestHeaders, sizes: AttemptSizes): void {
    this.upstream_rq_headers_size.record(pseudoSize(request) + request.byteSize());
    this.upstream_rq_headers_count.record(pseudoCount(request) + request.size);
    this.upstream_rq_body_size.record(sizes.sent);
    if (sizes.responseHeadersSize < 0) return;
    this.upstream_rs_headers_size.record(sizes.responseHeadersSize);
    this.upstream_rs_headers_count.record(sizes.responseHeadersCount);
    this.upstream_rs_body_size.record(sizes.received);
  }
}

/** `cluster.<name>.` histograms of track_cluster_stats.timeout_budgets: percent of a timeout that was used. */
export class BudgetStats {
  readonly upstream_rq_timeout_budget_percent_used: Histogram;
  readonly upstream_rq_timeout_budget_per_try_percent_used: Histogram;

  constructor(histogram: () => Histogram) {
    this.upstream_rq_timeout_budget_percent_used = histogram();
    this.upstream_rq_timeout_budget_per_try_percent_used = histogram();
  }

  /** The request is answered, or has timed out, `used` ms after it was complete. `timeout`: 0 for none. */
  recordWhole(used: number, timeout: number): void {
    this.upstream_rq_timeout_budget_percent_used.record(percent(used, timeout));
  }

  /** An attempt is over, by anything but the timeout of the whole. */
  recordTry(used: number, timeout: number): void {
    this.upstream_rq_timeout_budget_per_try_percent_used.record(percent(used, timeout));
  }
}

/** Of a timeout that is not set nothing is ever used. */
function percent(used: number, timeout: number): number {
  return timeout > 0 ? Math.floor((Math.floor(used) * 100) / timeout) : 0;
}

type Pseudo = Pick<RequestHeaders, 'method' | 'path' | 'authority' | 'scheme' | 'protocol'> & HeaderMap;

function pseudoSize({ method, path, authority, scheme, protocol }: Pseudo): number {
  let size = 7 + method.length;
  if (path !== undefined) size += 5 + path.length;
  if (authority !== undefined) size += 10 + authority.length;
  if (scheme !== undefined) size += 7 + scheme.length;
  if (protocol !== undefined) size += 9 + protocol.length;
  return size;
}

function pseudoCount({ path, authority, scheme, protocol }: Pseudo): number {
  const present = [path, authority, scheme, protocol].filter((value) => value !== undefined);
  return 1 + present.length;
}
