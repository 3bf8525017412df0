import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { isObject } from '../config/plain.js';
import type { ApiClient, Call, Receiver } from './client.js';
import { messageOf } from './reflector.js';
import type { ResourceType } from './resources.js';

/** Pause between two looks at a group that lacks something, ms. */
export const LOOK_AGAIN_MS = 15_000;

export interface DiscoveryOwner {
  /** The version to read a type in; null: the API server has no such resource. */
  onServed(type: ResourceType, version: string | null): void;
  onDiscoveryTrouble(group: string, text: string): void;
}

/**
 * Finds out in which version the custom resources of one group are served, and looks again while one of them is missing: its
 * definition may be made at any time.
 */
export class Discovery implements TimerOwner {
  /** Armed while a type is missing or the group could not be read; when it fires the group is read again. */
  private readonly again = new Timer(this, 0);
  private call: Call | null = null;
  private closed = false;
  /** Types that are being followed already. */
  private readonly served = new Set<ResourceType>();

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly client: ApiClient,
    private readonly group: string,
    private readonly types: readonly ResourceType[],
    private readonly owner: DiscoveryOwner,
    private readonly pause = LOOK_AGAIN_MS,
  ) {}

  start(): void {
    this.look();
  }

  close(): void {
    this.closed = true;
    this.call?.abort();
    this.dispatcher.timers.cancel(this.again);
  }

  onTimer(): void {
    this.look();
  }

  has(type: ResourceType): boolean {
    return this.types.includes(type);
  }

  /** A collection that was followed is gone. */
  lost(type: ResourceType): void {
    this.served.delete(type);
    this.later();
  }

  private later(): void {
    if (!this.closed) this.dispatcher.timers.arm(this.again, this.pause, this.dispatcher.now);
  }

  private get(path: string, done: (status: number, body: unknown) => void): void {
    if (this.closed) return;
    const failed = (text: string) => {
      this.owner.onDiscoveryTrouble(this.group, text);
      this.later();
    };
    this.call = this.client.get(path, new Answer(done, failed));
  }

  private look(): void {
    this.call?.abort();
    this.get(`/apis/${this.group}`, (status, body) => {
      const offered =
        status === 200 && isObject(body) && Array.isArray(body.versions)
          ? body.versions.map((one) => (isObject(one) ? String(one.version) : ''))
          : [];
      const wanted = new Set(this.types.flatMap((type) => type.versions));
      this.readVersions(
        offered.filter((version) => wanted.has(version)),
        new Map(),
      );
    });
  }

  private readVersions(left: readonly string[], found: Map<string, Set<string>>): void {
    const [version, ...rest] = left;
    if (version === undefined) {
      this.decide(found);
      return;
    }
    this.get(`/apis/${this.group}/${version}`, (_, body) => {
      const resources = isObject(body) && Array.isArray(body.resources) ? body.resources : [];
      found.set(version, new Set(resources.map((one) => (isObject(one) ? String(one.name) : ''))));
      this.readVersions(rest, found);
    });
  }

  private decide(found: ReadonlyMap<string, ReadonlySet<string>>): void {
    let missing = false;
    for (const type of this.types) {
      if (this.served.has(type)) continue;
      const version = type.versions.find((one) => found.get(one)?.has(type.plural) === true) ?? null;
      if (version === null) missing = true;
      else this.served.add(type);
      this.owner.onServed(type, version);
    }
    if (missing) this.later();
  }
}

/** A short answer; 404 is one, everything else but 200 a failure. */
class Answer implements Receiver {
  private status = 0;
  private text = '';

  constructor(
    private readonly done: (status: number, body: unknown) => void,
    private readonly failed: (text: string) => void,
  ) {}

  onHead(status: number, _headers: IncomingHttpHeaders): void {
    this.status = status;
  }

  onText(text: string): void {
    this.text += text;
  }

  onEnd(error: Error | null): void {
    if (error !== null) this.failed(error.message);
    else if (this.status === 404) this.done(404, null);
    else if (this.status !== 200) this.failed(messageOf(this.status, this.text));
    else {
      let body: unknown = null;
      try {
        body = JSON.parse(this.text);
      } catch {
        this.failed('the answer is no JSON');
        return;
      }
      this.done(200, body);
    }
  }
}
