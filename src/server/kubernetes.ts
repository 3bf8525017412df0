import type { Dispatcher } from '../base/dispatcher.js';
import type { ConfigError } from '../config/error.js';
import type { KubeDocument } from '../config/kube-documents.js';
import type { Access } from '../kube/access.js';
import { ApiClient } from '../kube/client.js';
import { KubernetesSource } from '../kube/source.js';
import type { OwnMetric, Sample } from '../observe/own-metrics.js';
import { ROOT_NAMESPACE } from '../pilot/mesh.js';
import { type Loaded, type LoadOptions, loadDocuments } from './load.js';
import { BindError } from './server.js';
import type { ConfigSource } from './source.js';

export interface KubernetesConfigOptions {
  /** What holds for documents of any origin; paths are not looked at. */
  load: LoadOptions;
  /** Namespaces to read; null: all. */
  namespaces: readonly string[] | null;
  /** The workload that the proxy stands beside: decides which objects it sees. */
  workload: {
    namespace: string;
    /** null: the labels of the Pod `pod`, none when that is not there. */
    labels: Record<string, string> | null;
    /** Name of the own Pod, or ''. */
    pod: string;
  };
  say(text: string): void;
}

/**
 * Configuration out of a cluster's objects. As with istiod a wrong object is left out and named, and the rest is in force. What only
 * shows when the configuration is put in force (a regular expression, an address that is taken) is left out as well.
 */
export class KubernetesConfig implements ConfigSource {
  readonly source: KubernetesSource;
  /** Warnings that were told and still hold. */
  private told = new Set<string>();
  /** Objects that could not be run, as the versions that could not; and why. */
  private readonly unfit = new Map<KubeDocument, string>();
  private readonly taken = new Map<string, string>();
  private documents: KubeDocument[] = [];

  constructor(
    dispatcher: Dispatcher,
    access: Access,
    private readonly options: KubernetesConfigOptions,
  ) {
    this.source = new KubernetesSource(dispatcher, new ApiClient(access, dispatcher), {
      namespaces: options.namespaces,
      rootNamespace: ROOT_NAMESPACE,
      say: options.say,
    });
  }

  ready(): Promise<void> {
    this.source.start();
    return this.source.ready();
  }

  follow(onChange: () => boolean): void {
    this.source.follow(() => {
      // An address may have become free since.
      this.taken.clear();
      onChange();
    });
  }

  close(): void {
    this.source.close();
  }

  read(): Loaded {
    const { load, workload } = this.options;
    this.documents = this.source.documents();
    const present = new Set(this.documents);
    for (const document of this.unfit.keys()) if (!present.has(document)) this.unfit.delete(document);
    const docs = this.unfit.size === 0 ? this.documents : this.documents.filter((one) => !this.unfit.has(one));
    const translate = {
      proxyNamespace: workload.namespace,
      proxyLabels: workload.labels ?? labelsOf(docs, workload.namespace, workload.pod),
      ...load.translate,
    };
    const loaded = loadDocuments(docs, { ...load, translate });
    const resources = loaded.bootstrap.static_resources;
    if (this.taken.size > 0 && resources !== undefined)
      resources.listeners = resources.listeners.filter((one) => {
        const socket = one.address?.socket_address;
        return socket === undefined || !this.taken.has(`${socket.address}:${socket.port_value}`);
      });
    const now = new Set([...loaded.warnings, ...loaded.mistakes, ...this.unfit.values(), ...this.taken.values()]);
    const fresh = [...now].filter((text) => !this.told.has(text));
    this.told = now;
    return { bootstrap: loaded.bootstrap, replyProfile: loaded.replyProfile, warnings: fresh };
  }

  leaveOut(error: unknown): boolean {
    if (error instanceof BindError) {
      if (this.taken.has(error.address)) return false;
      this.taken.set(error.address, error.message);
      return true;
    }
    let found = false;
    for (const one of (error as Partial<ConfigError>).all ?? []) {
      const at = one.position?.file;
      const document = at === undefined ? undefined : this.documents.find((doc) => doc.position.file === at);
      if (document === undefined || this.unfit.has(document)) continue;
      this.unfit.set(document, `${at} is left out: ${one.message}`);
      found = true;
    }
    return found;
  }
}

function labelsOf(docs: readonly KubeDocument[], namespace: string, pod: string): Record<string, string> {
  if (pod === '') return {};
  const own = docs.find(
    (doc) => doc.kind === 'Pod' && doc.metadata.name === pod && doc.metadata.namespace === namespace,
  );
  return own?.metadata.labels ?? {};
}

/** The series `halfopen_source_*`. */
export function sourceMetrics(source: KubernetesSource, dispatcher: Dispatcher): OwnMetric[] {
  const each = (name: string, help: string, type: 'gauge' | 'counter', read: () => Iterable<Sample>): OwnMetric => ({
    name: `halfopen_source_${name}`,
    help,
    type,
    collect: read,
  });
  const sample = (resource: string, value: number, more: Record<string, string> = {}): Sample => ({
    suffix: '',
    labels: { resource, ...more },
    value,
  });
  return [
    each('synced', 'Whether a resource was listed, or is known not to exist.', 'gauge', () =>
      source.collections.map((one) => sample(one.name, one.synced ? 1 : 0)),
    ),
    each('connected', 'Whether a resource is followed without trouble at this moment.', 'gauge', () =>
      source.collections.map((one) => sample(one.name, one.served && !one.troubled ? 1 : 0)),
    ),
    each('objects', 'Objects that are held.', 'gauge', () =>
      source.collections.map((one) => sample(one.name, one.size)),
    ),
    each('last_event_age_seconds', 'Time since anything arrived, bookmarks included.', 'gauge', () =>
      source.collections
        .filter((one) => one.stats.lastAlive >= 0)
        .map((one) => sample(one.name, (dispatcher.clock.monotonic() - one.stats.lastAlive) / 1000)),
    ),
    each('events_total', 'Events of watches.', 'counter', () =>
      source.collections.flatMap(({ name, stats }) => [
        sample(name, stats.added, { type: 'added' }),
        sample(name, stats.modified, { type: 'modified' }),
        sample(name, stats.deleted, { type: 'deleted' }),
      ]),
    ),
    each('lists_total', 'Lists that were completed.', 'counter', () =>
      source.collections.map((one) => sample(one.name, one.stats.lists)),
    ),
    each('errors_total', 'Failures, by what kind they are of.', 'counter', () =>
      source.collections.flatMap(({ name, stats }) =>
        [...stats.errors].map(([reason, count]) => sample(name, count, { reason })),
      ),
    ),
  ];
}
