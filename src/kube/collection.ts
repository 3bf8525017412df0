import type { Dispatcher } from '../base/dispatcher.js';
import type { KubeDocument } from '../config/kube-documents.js';
import { isObject, type PlainObject } from '../config/plain.js';
import type { ApiClient } from './client.js';
import { type Held, hold, keyOf } from './object.js';
import { Reflector, type ReflectorOwner, type Trouble } from './reflector.js';
import { collectionPath, fullName, type ResourceType } from './resources.js';

/** What `halfopen_source_*` shows of a collection. */
export class CollectionStats {
  added = 0;
  modified = 0;
  deleted = 0;
  lists = 0;
  readonly errors = new Map<Trouble | 'object', number>();
  /** Clock of the dispatcher when anything last arrived, ms; -1 before. */
  lastAlive = -1;

  count(error: Trouble | 'object'): void {
    this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
  }
}

/** What a collection tells its source. */
export interface CollectionOwner {
  /** What it holds has changed. */
  onContent(): void;
  /** It is complete now, or known not to exist. */
  onSynced(): void;
  onTrouble(collection: Collection, trouble: Trouble, text: string): void;
  /** It is followed again after trouble. */
  onRecovered(collection: Collection): void;
  onLost(collection: Collection): void;
  /** An object that cannot be read; it is left out. */
  onFault(text: string): void;
}

/** The objects of one type, of one namespace or of all. */
export class Collection implements ReflectorOwner {
  readonly stats = new CollectionStats();
  readonly name: string;
  /** True once it was listed, or once it is known that the API server has no such resource. */
  synced = false;
  /** Followed without a failure since the last success. */
  troubled = false;
  private reflector: Reflector | null = null;
  private version = '';
  private readonly held = new Map<string, Held>();
  private ordered: KubeDocument[] | null = null;

  constructor(
    readonly type: ResourceType,
    /** null: all namespaces. */
    readonly namespace: string | null,
    private readonly dispatcher: Dispatcher,
    private readonly client: ApiClient,
    private readonly owner: CollectionOwner,
    private readonly backoff: number | undefined,
  ) {
    this.name = namespace === null ? fullName(type) : `${fullName(type)} in ${namespace}`;
  }

  get size(): number {
    return this.held.size;
  }

  /** Whether the API server has it, as far as is known. */
  get served(): boolean {
    return this.reflector !== null;
  }

  /** Begins to follow it in this version. */
  follow(version: string): void {
    this.reflector?.close();
    this.version = version;
    const { type, dispatcher } = this;
    const selector = type.only === undefined ? '' : `fieldSelector=metadata.name%3D${type.only}`;
    const path = collectionPath(type, version, this.namespace);
    this.reflector = new Reflector(dispatcher, this.client, path, selector, this, this.backoff);
    this.reflector.start();
  }

  /** The API server has no such resource. */
  absent(): void {
    this.reflector?.close();
    this.reflector = null;
    this.troubled = false;
    this.onReplace([]);
  }

  close(): void {
    this.reflector?.close();
  }

  /** Its documents, in the order of their names. */
  documents(): readonly KubeDocument[] {
    if (this.ordered !== null) return this.ordered;
    const keys = [...this.held.keys()].sort();
    const out: KubeDocument[] = [];
    for (const key of keys) {
      const { document } = this.held.get(key)!;
      if (document !== null) out.push(document);
    }
    return (this.ordered = out);
  }

  onReplace(items: readonly PlainObject[]): void {
    this.stats.lists++;
    const gone = new Set(this.held.keys());
    let changed = false;
    for (const item of items) {
      const held = this.read(item);
      gone.delete(held.key);
      changed = this.put(held) || changed;
    }
    for (const key of gone) this.held.delete(key);
    if (changed || gone.size > 0) this.content();
    if (this.synced) return;
    this.synced = true;
    this.owner.onSynced();
  }

  onObject(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: PlainObject): void {
    if (type === 'DELETED') {
      this.stats.deleted++;
      const key = keyOf(isObject(object.metadata) ? object.metadata : {});
      if (this.held.delete(key)) this.content();
      return;
    }
    if (type === 'ADDED') this.stats.added++;
    else this.stats.modified++;
    if (this.put(this.read(object))) this.content();
  }

  private read(object: PlainObject): Held {
    const group = this.type.group;
    return hold(object, this.type, group === '' ? this.version : `${group}/${this.version}`);
  }

  /** Returns whether it says anything new. An object that says nothing new stays the same one, and so does all made of it. */
  private put(held: Held): boolean {
    const before = this.held.get(held.key);
    if (before !== undefined && before.digest === held.digest) return false;
    this.held.set(held.key, held);
    if (held.fault !== '') {
      this.stats.count('object');
      this.owner.onFault(held.fault);
    }
    return true;
  }

  private content(): void {
    this.ordered = null;
    this.owner.onContent();
  }

  onAlive(): void {
    this.stats.lastAlive = this.dispatcher.now;
    if (!this.troubled) return;
    this.troubled = false;
    this.owner.onRecovered(this);
  }

  onTrouble(trouble: Trouble, text: string): void {
    this.stats.count(trouble);
    // The list that follows is all there is to an expired version.
    if (trouble === 'expired') return;
    this.troubled = true;
    this.owner.onTrouble(this, trouble, text);
  }

  onAbsent(): void {
    this.stats.count('absent');
    this.absent();
    this.owner.onLost(this);
  }
}
