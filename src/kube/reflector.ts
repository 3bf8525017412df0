import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { isObject, type PlainObject } from '../config/plain.js';
import type { ApiClient, Call, Receiver } from './client.js';
import { Lines } from './lines.js';

/** Objects in one page of a list. */
const PAGE = 500;
/** Longest life of a watch that is asked for, s; up to as much again is added at random, so that not all end together. */
const WATCH_S = 300;
/** How much longer than asked for a watch may be silent, ms: the other end is gone without a word. */
const WATCH_GRACE_MS = 30_000;
/** Longest silence in a list, ms. */
const LIST_SILENCE_MS = 60_000;
/** First and longest pause after a failure, ms; it doubles, and a random part of up to a half is taken off. */
export const BACKOFF_MS = 500;
export const BACKOFF_LIMIT_MS = 30_000;

/** Why a collection is not followed at this moment. */
export type Trouble = 'unreachable' | 'forbidden' | 'unauthorized' | 'absent' | 'expired' | 'refused';

/** What a reflector tells. */
export interface ReflectorOwner {
  /** The collection as a whole: after a list. */
  onReplace(items: readonly PlainObject[]): void;
  onObject(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: PlainObject): void;
  /** Anything at all arrived, a bookmark too. */
  onAlive(): void;
  onTrouble(trouble: Trouble, text: string): void;
  /** The API server has no such collection (any more). Nothing is asked again until `start`. */
  onAbsent(): void;
}

const RETRY = 0;
const SILENCE = 1;

/**
 * Follows one collection of the API: a list, then a watch from the list's version, again and again. A watch that ends goes on from
 * the last version that was seen (bookmarks keep it young); when the server has forgotten that version (410 Gone) the list is made
 * anew. Failures are tried again after a pause that doubles.
 */
export class Reflector implements TimerOwner {
  private call: Call | null = null;
  private version = '';
  private pause: number;
  /** Armed by a failure; when it fires the list or watch is made again. */
  private readonly retry = new Timer(this, RETRY);
  /** Armed by a request, put off by every byte; when it fires the request is given up as lost. */
  private readonly silence = new Timer(this, SILENCE);
  private closed = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly client: ApiClient,
    /** Path of the collection, and selectors that every request carries (`fieldSelector=...`), or ''. */
    private readonly path: string,
    private readonly selector: string,
    private readonly owner: ReflectorOwner,
    private readonly backoff = BACKOFF_MS,
  ) {
    this.pause = backoff;
  }

  start(): void {
    this.list(null, []);
  }

  close(): void {
    this.closed = true;
    this.drop();
    this.dispatcher.timers.cancel(this.retry);
  }

  onTimer(kind: number): void {
    if (kind === SILENCE) {
      this.drop();
      this.failed('unreachable', 'the API server is silent');
    } else if (this.version === '') this.list(null, []);
    else this.watch();
  }

  private drop(): void {
    this.call?.abort();
    this.call = null;
    this.dispatcher.timers.cancel(this.silence);
  }

  private listen(ms: number): void {
    this.dispatcher.timers.arm(this.silence, ms, this.dispatcher.now);
  }

  private get(query: string, silenceMs: number, receiver: Receiver): void {
    if (this.closed) return;
    this.dispatcher.enter();
    this.listen(silenceMs);
    this.call = this.client.get(`${this.path}?${query}${this.selector === '' ? '' : `&${this.selector}`}`, receiver);
    this.dispatcher.leave();
  }

  /** One page; `token` names the next one, `before` are the items of the pages before. */
  private list(token: string | null, before: PlainObject[]): void {
    const next = token === null ? '' : `&continue=${encodeURIComponent(token)}`;
    this.get(`limit=${PAGE}${next}`, LIST_SILENCE_MS, new Whole(this, (body) => this.listed(body, before)));
  }

  private listed(body: PlainObject, before: PlainObject[]): void {
    this.dispatcher.timers.cancel(this.silence);
    const metadata = isObject(body.metadata) ? body.metadata : {};
    const items = Array.isArray(body.items) ? body.items.filter(isObject) : [];
    for (const item of items) before.push(item);
    const token = metadata.continue;
    if (typeof token === 'string' && token !== '') {
      this.list(token, before);
      return;
    }
    this.version = String(metadata.resourceVersion ?? '');
    this.owner.onReplace(before);
    this.watch();
  }

  private watch(): void {
    const seconds = WATCH_S + (this.dispatcher.random.u32() % WATCH_S);
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${this.version}&timeoutSeconds=${seconds}`;
    this.get(query, seconds * 1000 + WATCH_GRACE_MS, new Watch(this, this.dispatcher.now));
  }

  /** For Whole and Watch: bytes have come. A watch has its end anyway, so only a list puts its silence off. */
  alive(ms: number | null): void {
    if (ms !== null) this.listen(ms);
    this.owner.onAlive();
  }

  /** For Watch: false when what follows on this watch is of no use. */
  event(event: PlainObject): boolean {
    const { type, object } = event;
    if (!isObject(object)) return true;
    if (type === 'ERROR') {
      this.drop();
      this.status(Number(object.code ?? 0), String(object.message ?? ''), null);
      return false;
    }
    const metadata = isObject(object.metadata) ? object.metadata : {};
    if (typeof metadata.resourceVersion === 'string') this.version = metadata.resourceVersion;
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.owner.onObject(type, object);
    return true;
  }

  /** For Watch: it is over. One that ended as asked goes on at once, one that ended right away after a pause. */
  ended(startedAt: number, error: Error | null): void {
    this.drop();
    if (error !== null) this.failed('unreachable', error.message);
    else if (this.dispatcher.now - startedAt < 1000) this.again();
    else this.watch();
  }

  /** For Whole and Watch: the answer to a request is not 200. */
  status(code: number, text: string, after: number | null): void {
    this.drop();
    switch (code) {
      case 410:
        this.version = '';
        this.owner.onTrouble('expired', text);
        this.again();
        break;
      case 404:
        this.version = '';
        this.owner.onAbsent();
        break;
      case 403:
        this.failed('forbidden', text);
        break;
      case 401:
        this.failed('unauthorized', text);
        break;
      case 429:
      case 503:
      case 504:
        this.failed('unreachable', text);
        if (after !== null) this.dispatcher.timers.arm(this.retry, after, this.dispatcher.now);
        break;
      default:
        this.version = '';
        this.failed('refused', text);
    }
  }

  failed(trouble: Trouble, text: string): void {
    this.drop();
    this.owner.onTrouble(trouble, text);
    this.again();
  }

  private again(): void {
    if (this.closed) return;
    const { dispatcher } = this;
    const less = (dispatcher.random.u32() / 2 ** 32) * (this.pause / 2);
    dispatcher.timers.arm(this.retry, this.pause - less, dispatcher.now);
    this.pause = Math.min(this.pause * 2, BACKOFF_LIMIT_MS);
  }

  /** For Whole and Watch: the server has given what was asked for, so the next failure is a first one. */
  succeeded(): void {
    this.pause = this.backoff;
    this.owner.onAlive();
  }
}

function retryAfter(headers: IncomingHttpHeaders): number | null {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, BACKOFF_LIMIT_MS) : null;
}

/** What an error of the API says: the message of a Status, or the text itself. */
export function messageOf(status: number, text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && typeof body.message === 'string' && body.message !== '') return body.message;
  } catch {
    // No Status: a proxy between, or a text for people.
  }
  const short = text.trim().slice(0, 200);
  return short === '' ? `status ${status}` : `status ${status}: ${short}`;
}

/** An answer that is one JSON document. */
class Whole implements Receiver {
  private code = 0;
  private after: number | null = null;
  private readonly parts: string[] = [];

  constructor(
    private readonly reflector: Reflector,
    private readonly done: (body: PlainObject) => void,
  ) {}

  onHead(status: number, headers: IncomingHttpHeaders): void {
    this.code = status;
    this.after = retryAfter(headers);
  }

  onText(text: string): void {
    this.parts.push(text);
    if (this.code === 200) this.reflector.alive(LIST_SILENCE_MS);
  }

  onEnd(error: Error | null): void {
    if (error !== null) {
      this.reflector.failed('unreachable', error.message);
      return;
    }
    const text = this.parts.join('');
    if (this.code !== 200) {
      this.reflector.status(this.code, messageOf(this.code, text), this.after);
      return;
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      this.reflector.failed('unreachable', 'the list is no JSON');
      return;
    }
    this.reflector.succeeded();
    this.done(isObject(body) ? body : {});
  }
}

/** An answer that is one JSON document per line, for as long as it lasts. */
class Watch implements Receiver {
  private code = 0;
  private after: number | null = null;
  private error = '';
  private readonly lines = new Lines();

  constructor(
    private readonly reflector: Reflector,
    private readonly startedAt: number,
  ) {}

  onHead(status: number, headers: IncomingHttpHeaders): void {
    this.code = status;
    this.after = retryAfter(headers);
    if (status === 200) this.reflector.succeeded();
  }

  onText(text: string): void {
    if (this.code !== 200) {
      this.error += text;
      return;
    }
    this.reflector.alive(null);
    for (const line of this.lines.push(text)) {
      let event: unknown;
      try {
        event = JSON.parse(line);
      } catch {
        this.reflector.failed('unreachable', 'an event is no JSON');
        return;
      }
      if (isObject(event) && !this.reflector.event(event)) return;
    }
  }

  onEnd(error: Error | null): void {
    if (error === null && this.code !== 200)
      this.reflector.status(this.code, messageOf(this.code, this.error), this.after);
    else this.reflector.ended(this.startedAt, error);
  }
}
