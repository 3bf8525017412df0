import { fullHost, mostSpecific } from './names.js';
import type { Service } from './registry/service.js';
import type { Resource } from './resource.js';
import { byAge, selects } from './resource.js';
import { stringAt, stringMapAt, stringsAt, type Tree, treeAt, treesAt } from './tree.js';

/** One or more DestinationRules for the same host, joined: the oldest policy, and the subsets of all. */
export interface DestinationRule {
  from: Resource;
  host: string;
  exportTo: string[];
  /** Labels of the client's workload that it is for; null for every client. */
  workloadSelector: Record<string, string> | null;
  trafficPolicy: Tree | undefined;
  subsets: Tree[];
}

/** What tells whether a rule is still the same: joined rules are made anew every time, their parts are not. */
export function partsOf(rule: DestinationRule | undefined): unknown[] {
  return rule === undefined ? [undefined] : [rule.from, rule.trafficPolicy, ...rule.subsets];
}

type Index = Map<string, Map<string, DestinationRule[]>>;

/** Finds the DestinationRule that a client uses for a service. */
export class DestinationRules {
  private readonly local: Index = new Map();
  private readonly exported: Index = new Map();
  private readonly rootLocal: Index = new Map();

  constructor(
    resources: readonly Resource[],
    private readonly rootNamespace: string,
  ) {
    const hasSelector = (r: Resource) => (treeAt(r.spec, 'workloadSelector') === undefined ? 1 : 0);
    const rules = resources.filter((r) => r.kind === 'DestinationRule');
    rules.sort((a, b) => hasSelector(a) - hasSelector(b) || byAge(a, b));
    for (const resource of rules) {
      const selector = treeAt(resource.spec, 'workloadSelector');
      const rule: DestinationRule = {
        from: resource,
        host: fullHost(stringAt(resource.spec, 'host'), resource.namespace),
        exportTo: selector === undefined ? stringsAt(resource.spec, 'exportTo') : ['.'],
        workloadSelector: selector === undefined ? null : stringMapAt(selector, 'matchLabels'),
        trafficPolicy: treeAt(resource.spec, 'trafficPolicy'),
        subsets: treesAt(resource.spec, 'subsets'),
      };
      const { exportTo } = rule;
      const own = resource.namespace;
      if (exportTo.length === 0 || exportTo.some((e) => e === '*' || e === '.' || e === own)) add(this.local, rule);
      if (exportTo.length === 1 && (exportTo[0] === '.' || exportTo[0] === own)) {
        if (own === rootNamespace) add(this.rootLocal, rule);
      } else add(this.exported, rule);
    }
  }

  /**
   * The rule for `service` as a client of `namespace` with `labels` sees it: the client's namespace first, then the
   * service's, then the root namespace; in each the most specific host. `labels` null ignores rules for certain workloads.
   */
  find(service: Service, namespace: string, labels: Record<string, string> | null): DestinationRule | undefined {
    return choose(this.candidates(service, namespace), namespace, labels);
  }

  private candidates(service: Service, namespace: string): DestinationRule[] {
    const own = namespace === this.rootNamespace ? this.rootLocal : this.local;
    const byHost = own.get(namespace);
    const local = byHost === undefined ? undefined : mostSpecific(service.host, byHost);
    if (local !== undefined) return local;
    for (const owner of [service.namespace, this.rootNamespace]) {
      const rules = this.exported.get(owner);
      const found = rules === undefined ? undefined : mostSpecific(service.host, rules);
      const visible = found?.filter(
        (r) => r.exportTo.length === 0 || r.exportTo.includes('*') || r.exportTo.includes(namespace),
      );
      if (visible !== undefined && visible.length > 0) return visible;
    }
    return [];
  }
}

function choose(
  rules: readonly DestinationRule[],
  namespace: string,
  labels: Record<string, string> | null,
): DestinationRule | undefined {
  let general: DestinationRule | undefined;
  for (const rule of rules) {
    if (rule.workloadSelector === null) general = rule;
    else if (labels !== null && rule.from.namespace === namespace && selects(rule.workloadSelector, labels))
      return rule;
  }
  return general;
}

function add(index: Index, rule: DestinationRule): void {
  const namespace = rule.from.namespace;
  const byHost = index.get(namespace) ?? new Map<string, DestinationRule[]>();
  index.set(namespace, byHost);
  const list = byHost.get(rule.host) ?? [];
  byHost.set(rule.host, list);
  for (let i = 0; i < list.length; i++) {
    const existing = list[i];
    if (!sameSelector(existing.workloadSelector, rule.workloadSelector)) continue;
    if (!sameSet(existing.exportTo, rule.exportTo)) continue;
    const known = new Set(existing.subsets.map((s) => stringAt(s, 'name')));
    list[i] = {
      ...existing,
      trafficPolicy: existing.trafficPolicy ?? rule.trafficPolicy,
      subsets: [...existing.subsets, ...rule.subsets.filter((s) => !known.has(stringAt(s, 'name')))],
    };
    return;
  }
  list.push({ ...rule });
}

function sameSelector(a: Record<string, string> | null, b: Record<string, string> | null): boolean {
  if (a === null || b === null) return a === b;
  return selects(a, b) && selects(b, a);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.every((x) => b.includes(x)) && b.every((x) => a.includes(x));
}
