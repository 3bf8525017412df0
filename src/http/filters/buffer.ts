import { H } from '../../base/header-names.js';
import type { RequestHeaders } from '../../base/headers.js';
import type { Any, BufferPerRoute, BufferFilter as BufferProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import type { RouteSettings } from './route-settings.js';

/** Holds a request until it is complete; a body of more than max_request_bytes is answered 413. */
class BufferFilter extends StreamFilter {
  private headers: RequestHeaders | null = null;

  constructor(
    filters: StreamFilters,
    private readonly maxBytes: number,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders, endStream: boolean): Step {
    if (endStream) return Step.CONTINUE;
    this.filters.setBufferLimit(this.maxBytes);
    this.headers = headers;
    return Step.STOP_AND_BUFFER;
  }

  override decodeHeld(bytes: number, complete: boolean): boolean {
    if (!complete) return false;
    const headers = this.headers!;
    if (!headers.has(H.contentLength)) headers.set(H.contentLength, String(bytes));
    return true;
  }
}

class BufferFactory implements StreamFilterFactory {
  constructor(private readonly maxBytes: number) {}
  create(filters: StreamFilters): StreamFilter {
    return new BufferFilter(filters, this.maxBytes);
  }
}

/** `envoy.filters.http.buffer` */
export function compileBuffer(config: BufferProto): HttpFilterConfig {
  const general = new BufferFactory(config.max_request_bytes);
  return {
    checkRoute: () => undefined,
    forRoute({ own }: RouteSettings): StreamFilterFactory | null {
      if (own === null) return general;
      const { disabled, buffer } = own as Any & BufferPerRoute;
      if (disabled === true) return null;
      return buffer === undefined ? general : new BufferFactory(buffer.max_request_bytes);
    },
  };
}
