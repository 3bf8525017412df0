import type { Dispatcher } from '../../base/dispatcher.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import type { StreamInfo } from '../../observe/stream-info.js';
import type { TimerLedger } from '../../observe/timer-ledger.js';
import type { RouteEntry } from '../../router/route-entry.js';
import type { ReplyHeaders } from '../../router/router-callbacks.js';
import type { Cluster } from '../../upstream/types.js';
import type { Any, RouteConfiguration } from '../../xds/types.js';
import type { RouteSettings } from './route-settings.js';

/** What a filter says to the headers of a request. */
export const Step = {
  CONTINUE: 0,
  /** Hold the request: a body larger than the buffer limit is answered 413. */
  STOP_AND_BUFFER: 1,
  /** Hold the request: a body larger than the buffer limit stops the reading of the request. */
  STOP_AND_WATERMARK: 2,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/** The stream whose request the filters see. */
export interface FilteredStream {
  readonly dispatcher: Dispatcher;
  readonly info: StreamInfo;
  readonly ledger: TimerLedger;
  readonly route: RouteEntry | null;
  readonly requestHeaders: RequestHeaders | null;
  /** Bytes of body that a filter may hold; 0: no limit. */
  readonly bufferLimit: number;
  sendLocalReply(
    status: number,
    body: string,
    details: string,
    modify?: ReplyHeaders | null,
    grpcStatus?: number,
  ): void;
  /** Cluster of the route; absent when there is none. */
  readonly cluster: Cluster | undefined;
  /** The response cannot be taken on as fast as it comes, or can again. */
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
  /** Body and trailers of the response that a filter had taken (see `encodeData`). */
  emitData(data: Uint8Array, endStream: boolean): void;
  emitTrailers(trailers: Trailers): void;
  /** A response of the filter's own that is not a local reply: headers of the route are not added. */
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
  /** A held body has passed the buffer limit and may not be held. */
  onRequestTooLarge(): void;
  pauseRequest(): void;
  resumeRequest(): void;
  /** The request has passed the last filter. */
  passHeaders(headers: RequestHeaders, endStream: boolean): void;
  passData(data: Uint8Array, endStream: boolean): void;
  passTrailers(trailers: Trailers): void;
}

/**
 * One filter at work on one stream. A filter that stops the headers holds the whole request: its body and trailers wait with
 * the headers and are passed on together. Of a response a filter may take the body, to give it out later itself.
 */
export abstract class StreamFilter {
  /** Wants to see the bodies. */
  readonly watchesBodies: boolean = false;

  constructor(protected readonly filters: StreamFilters) {}

  protected get stream(): FilteredStream {
    return this.filters.stream;
  }

  decodeHeaders(_headers: RequestHeaders, _endStream: boolean): Step {
    return Step.CONTINUE;
  }

  /**
   * Asked of the filter that holds the request when more of it has come.
   * @param complete nothing more will come
   * @returns true when the request may go on
   */
  decodeHeld(_bytes: number, _complete: boolean): boolean {
    return false;
  }

  /** Body of the request as it comes, whoever holds it; asked of filters with `watchesBodies`. */
  watchRequest(_data: Uint8Array): void {}

  decodeTrailers(_trailers: Trailers): void {}

  /** Final response headers, of local replies too; filters see them last to first. */
  encodeHeaders(_headers: ResponseHeaders): void {}

  /**
   * Body of the response; asked of filters with `watchesBodies`.
   * @returns true when the filter has taken the bytes: it gives them out by `emitData`, trailers included
   */
  encodeData(_data: Uint8Array, _endStream: boolean): boolean {
    return false;
  }

  /** @returns true when the filter has taken the trailers, because bytes before them are still with it */
  encodeTrailers(_trailers: Trailers): boolean {
    return false;
  }

  /** The stream is over, or has been answered. Called once. */
  onDestroy(): void {}
}

/** Makes a filter for a stream. */
export interface StreamFilterFactory {
  create(filters: StreamFilters): StreamFilter;
}

/** One filter of a connection manager, compiled. */
export interface HttpFilterConfig {
  /** Checks the settings that a route may give the filter. @throws ConfigError */
  checkRoute(config: Any): void;
  /** What runs on a route; null when the filter has nothing to do there. `route` is null for a request without one. */
  forRoute(settings: RouteSettings, route: RouteEntry | null): StreamFilterFactory | null;
}

const EMPTY = Buffer.alloc(0);

/** The filters of one stream: carries the request from one to the next, and keeps it while one of them holds it. */
export class StreamFilters {
  private readonly filters: StreamFilter[] = [];
  private headers: RequestHeaders | null = null;
  /** Index of the filter that has the request; `filters.length` when it has passed the last. */
  private at = 0;
  private step: Step = Step.CONTINUE;
  private held: Buffer[] = [];
  private heldBytes = 0;
  private heldTrailers: Trailers | null = null;
  private complete = false;
  private paused = false;
  /** More of the body was waited for. */
  private waited = false;
  private stopped = false;
  private limit: number;
  /** Filters that see bodies; null when none does. */
  private watchers: StreamFilter[] | null = null;

  constructor(
    readonly stream: FilteredStream,
    factories: readonly StreamFilterFactory[],
  ) {
    this.limit = stream.bufferLimit;
    for (let i = 0; i < factories.length; i++) {
      const filter = factories[i].create(this);
      this.filters.push(filter);
      if (filter.watchesBodies) (this.watchers ??= []).push(filter);
    }
  }

  /** A filter has the request. */
  get holding(): boolean {
    return !this.stopped && this.at < this.filters.length;
  }

  /** Bytes of body that may be held, from now on. */
  setBufferLimit(bytes: number): void {
    this.limit = bytes;
  }

  decodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    this.headers = headers;
    this.complete = endStream;
    this.run(0);
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    if (this.stopped) return;
    if (this.watchers !== null) for (const watcher of this.watchers) watcher.watchRequest(data);
    if (this.at === this.filters.length) {
      this.stream.passData(data, endStream);
      return;
    }
    if (data.length > 0) {
      this.held.push(Buffer.from(data));
      this.heldBytes += data.length;
    }
    this.complete = endStream;
    // A body that comes whole at once never waits for more of it: it may be larger.
    if (!endStream) this.waited = true;
    this.checkLimit();
    if (!this.stopped && this.filters[this.at].decodeHeld(this.heldBytes, endStream)) this.run(this.at + 1);
  }

  decodeTrailers(trailers: Trailers): void {
    if (this.stopped) return;
    if (this.at === this.filters.length) {
      this.passTrailers(trailers);
      return;
    }
    this.complete = true;
    this.heldTrailers = trailers;
    if (this.filters[this.at].decodeHeld(this.heldBytes, true)) this.run(this.at + 1);
  }

  /** The filter that holds the request lets it go. */
  continueDecoding(): void {
    if (!this.stopped && this.at < this.filters.length) this.run(this.at + 1);
  }

  private run(from: number): void {
    const { filters } = this;
    const headers = this.headers!;
    const bare = this.complete && this.heldBytes === 0 && this.heldTrailers === null;
    for (let i = from; i < filters.length; i++) {
      this.at = i;
      this.step = filters[i].decodeHeaders(headers, bare);
      if (this.stopped) return;
      if (this.step === Step.CONTINUE) continue;
      if (!bare && (this.heldBytes > 0 || this.complete) && filters[i].decodeHeld(this.heldBytes, this.complete))
        continue;
      this.checkLimit();
      return;
    }
    this.at = filters.length;
    this.release(headers, bare);
  }

  private release(headers: RequestHeaders, bare: boolean): void {
    const { stream, held, heldTrailers: trailers } = this;
    this.held = [];
    stream.passHeaders(headers, bare);
    if (this.paused) {
      this.paused = false;
      stream.resumeRequest();
    }
    if (bare || this.stopped) return;
    const complete = this.complete && trailers === null;
    if (held.length > 0 || complete)
      stream.passData(held.length === 0 ? EMPTY : held.length === 1 ? held[0] : Buffer.concat(held), complete);
    if (trailers !== null && !this.stopped) this.passTrailers(trailers);
  }

  private passTrailers(trailers: Trailers): void {
    const { filters } = this;
    for (let i = 0; i < filters.length; i++) filters[i].decodeTrailers(trailers);
    this.stream.passTrailers(trailers);
  }

  private checkLimit(): void {
    if (this.limit === 0 || this.heldBytes <= this.limit) return;
    if (this.step === Step.STOP_AND_BUFFER && this.waited) this.stream.onRequestTooLarge();
    else if (!this.paused) {
      this.paused = true;
      this.stream.pauseRequest();
    }
  }

  encodeHeaders(headers: ResponseHeaders): void {
    for (let i = this.filters.length - 1; i >= 0; i--) this.filters[i].encodeHeaders(headers);
  }

  /** @returns true when a filter has taken the bytes */
  encodeData(data: Uint8Array, endStream: boolean): boolean {
    if (this.watchers === null || this.stopped) return false;
    let taken = false;
    for (let i = this.watchers.length - 1; i >= 0 && !taken; i--) taken = this.watchers[i].encodeData(data, endStream);
    return taken;
  }

  /** @returns true when a filter has taken the trailers */
  encodeTrailers(trailers: Trailers): boolean {
    let taken = false;
    for (let i = this.filters.length - 1; i >= 0 && !taken; i--) taken = this.filters[i].encodeTrailers(trailers);
    return taken;
  }

  /** Nothing of the request goes on from here. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.held = [];
    for (let i = 0; i < this.filters.length; i++) this.filters[i].onDestroy();
  }
}

/** A filter in its place in the chain. */
export interface ChainEntry {
  readonly name: string;
  /** HttpFilter.disabled: off unless a route gives it settings. */
  readonly disabled: boolean;
  readonly filter: HttpFilterConfig;
}

const NONE: readonly StreamFilterFactory[] = [];

/** The filters of a connection manager before the router. What runs on a route is worked out once per route. */
export class FilterChain {
  private readonly byRoute = new WeakMap<RouteEntry, readonly StreamFilterFactory[]>();
  private withoutRoute: readonly StreamFilterFactory[] | null = null;

  constructor(
    private readonly entries: readonly ChainEntry[],
    private readonly settingsOf: (name: string, route: RouteEntry | null, table: RouteConfiguration) => RouteSettings,
  ) {}

  /** The filters that run on a stream; null when none does. */
  open(stream: FilteredStream, table: RouteConfiguration): StreamFilters | null {
    const factories = this.factories(stream.route, table);
    return factories.length === 0 ? null : new StreamFilters(stream, factories);
  }

  private factories(route: RouteEntry | null, table: RouteConfiguration): readonly StreamFilterFactory[] {
    if (route === null) return (this.withoutRoute ??= this.compile(null, table));
    let made = this.byRoute.get(route);
    if (made === undefined) {
      made = this.compile(route, table);
      this.byRoute.set(route, made);
    }
    return made;
  }

  private compile(route: RouteEntry | null, table: RouteConfiguration): readonly StreamFilterFactory[] {
    const made: StreamFilterFactory[] = [];
    for (const { name, disabled, filter } of this.entries) {
      const settings = this.settingsOf(name, route, table);
      if (settings.disabled ?? disabled) continue;
      const factory = filter.forRoute(settings, route);
      if (factory !== null) made.push(factory);
    }
    return made.length === 0 ? NONE : made;
  }
}
