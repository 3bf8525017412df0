import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { KubeDocument } from '../config/kube-documents.js';
import type { ApiClient } from './client.js';
import { Collection, type CollectionOwner } from './collection.js';
import { Discovery, type DiscoveryOwner } from './discovery.js';
import type { Trouble } from './reflector.js';
import { RESOURCES, type ResourceType } from './resources.js';

/** Quiet time after a change before it is told, ms: one `kubectl apply` makes several. */
export const SETTLE_MS = 50;
/** Longest wait while changes keep coming, ms. */
export const SETTLE_LIMIT_MS = 1000;

export interface KubernetesOptions {
  /** Namespaces to read; null: all of the cluster. */
  namespaces: readonly string[] | null;
  /** Namespace of the mesh's own configuration; it is read too. */
  rootNamespace: string;
  /** A line for people. */
  say(text: string): void;
  resources?: readonly ResourceType[];
  /** First pause after a failure and pause between looks for missing definitions, ms; for tests. */
  backoffMs?: number;
  lookAgainMs?: number;
}

/**
 * The objects of a cluster that configuration is made from, kept as they are now. What was read stays in force while the API server
 * cannot be reached. Tells of a change when it has been quiet for a moment.
 */
export class KubernetesSource implements CollectionOwner, DiscoveryOwner, TimerOwner {
  readonly collections: readonly Collection[];
  private readonly discoveries: Discovery[] = [];
  /** Armed by a change, put off by further ones up to the limit; when it fires the change is told. */
  private readonly settle = new Timer(this, 0);
  private firstChange = 0;
  private onChange: (() => void) | null = null;
  private readonly waiting: (() => void)[] = [];
  private readonly say: (text: string) => void;
  /** The last line on each trouble: the same one is not told again until it is over. */
  private readonly told = new Set<string>();

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly client: ApiClient,
    options: KubernetesOptions,
  ) {
    this.say = options.say;
    const { namespaces, rootNamespace } = options;
    const resources = options.resources ?? RESOURCES;
    const places = namespaces === null ? [null] : [...new Set([...namespaces, rootNamespace])].sort();
    this.collections = resources.flatMap((type) =>
      (type.only === undefined ? places : [rootNamespace]).map(
        (place) => new Collection(type, place, dispatcher, client, this, options.backoffMs),
      ),
    );
    for (const group of new Set(resources.filter((type) => type.custom).map((type) => type.group))) {
      const types = resources.filter((type) => type.custom && type.group === group);
      this.discoveries.push(new Discovery(dispatcher, client, group, types, this, options.lookAgainMs));
    }
  }

  start(): void {
    for (const collection of this.collections)
      if (!collection.type.custom) collection.follow(collection.type.versions[0]);
    for (const discovery of this.discoveries) discovery.start();
  }

  close(): void {
    this.onChange = null;
    this.dispatcher.timers.cancel(this.settle);
    for (const collection of this.collections) collection.close();
    for (const discovery of this.discoveries) discovery.close();
    this.client.close();
  }

  get synced(): boolean {
    return this.collections.every((collection) => collection.synced);
  }

  /** Resolves once everything was listed for the first time. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.onSynced();
    });
  }

  /** Calls back after every change from now on. */
  follow(onChange: () => void): void {
    this.onChange = onChange;
  }

  /** Everything that is there now. An object that did not change is the same one as in the answer before. */
  documents(): KubeDocument[] {
    const out: KubeDocument[] = [];
    for (const collection of this.collections) for (const document of collection.documents()) out.push(document);
    return out;
  }

  onServed(type: ResourceType, version: string | null): void {
    for (const collection of this.collections) {
      if (collection.type !== type) continue;
      if (version !== null) collection.follow(version);
      else if (!collection.synced || collection.served) collection.absent();
    }
  }

  onDiscoveryTrouble(group: string, text: string): void {
    this.tell(`kubernetes: the API group ${group} cannot be read: ${text}`);
  }

  onContent(): void {
    const { dispatcher } = this;
    if (!this.settle.armed) this.firstChange = dispatcher.now;
    const left = this.firstChange + SETTLE_LIMIT_MS - dispatcher.now;
    dispatcher.timers.arm(this.settle, Math.max(0, Math.min(SETTLE_MS, left)), dispatcher.now);
  }

  onTimer(): void {
    this.onChange?.();
  }

  onSynced(): void {
    if (this.waiting.length === 0 || !this.synced) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  onTrouble(collection: Collection, trouble: Trouble, text: string): void {
    // One server that is away troubles every collection alike; rights are a matter of each.
    const whom = trouble === 'unreachable' ? this.client.access.server.origin : collection.name;
    const kept = this.synced ? '; what was read stays in force' : '';
    this.tell(`kubernetes: ${whom}: ${trouble}: ${text}${kept}`);
  }

  onRecovered(): void {
    if (this.told.size === 0 || this.collections.some((collection) => collection.troubled)) return;
    this.told.clear();
    this.say(`kubernetes: ${this.client.access.server.origin} is followed again`);
  }

  onLost(collection: Collection): void {
    this.say(`kubernetes: the API server has no ${collection.name} any more`);
    for (const discovery of this.discoveries) if (discovery.has(collection.type)) discovery.lost(collection.type);
  }

  onFault(text: string): void {
    this.say(`kubernetes: an object is left out\n${text}`);
  }

  private tell(line: string): void {
    if (this.told.has(line)) return;
    this.told.add(line);
    this.say(line);
  }
}
