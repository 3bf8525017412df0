import { regexFault } from '../../xds/regex.js';
import { parseDuration } from '../duration.js';
import type { Findings } from '../finding.js';
import { protocolNamed } from '../protocol.js';
import type { Resource } from '../resource.js';
import { isTree, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import { domainFault, isLabel, nameFault, subnetFault, workloadLabelFault } from './names.js';

/** Says what istiod's admission would say about one document. */
export class Admission {
  passed = true;
  private silent = false;

  constructor(
    readonly resource: Resource,
    private readonly findings: Findings,
  ) {}

  refuse(tree: object, field: string, message: string, allowed?: string): void {
    this.passed = false;
    this.findings.error('admission', this.resource, tree, field, message, allowed);
  }

  warn(tree: object, field: string, message: string): void {
    if (!this.silent) this.findings.warn('admission', this.resource, tree, field, message);
  }

  /** istiod loses the warnings of some parts of a document on the way. */
  withoutWarnings(check: () => void): void {
    const before = this.silent;
    this.silent = true;
    check();
    this.silent = before;
  }

  /** A host name, perhaps a wildcard. */
  host(tree: object, field: string, host: string): boolean {
    const reason = domainFault(host);
    if (reason !== null) this.refuse(tree, field, reason, 'a DNS name such as shop.example.com or *.example.com');
    return reason === null;
  }

  port(tree: Tree, field: string, number: number | undefined): void {
    if (number !== undefined && (number < 1 || number > 65535)) {
      this.refuse(tree, field, `port number ${number} must be in the range 1..65535`);
    }
  }

  portName(tree: object, field: string, name: string): void {
    if (!isLabel(name)) this.refuse(tree, field, `invalid port name: ${name}`, 'a DNS label such as http-web');
  }

  protocol(tree: Tree, field: string): void {
    const protocol = stringAt(tree, field);
    if (protocol === '' || protocolNamed(protocol) !== 'sniffed') return;
    this.refuse(tree, field, `unsupported protocol: ${protocol}`, 'HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP, TLS');
  }

  /** A duration of at least a whole millisecond. */
  duration(tree: Tree | undefined, field: string): void {
    if (tree === undefined || typeof tree[field] !== 'string') return;
    const ms = parseDuration(stringAt(tree, field)) ?? 0;
    if (ms < 1) this.refuse(tree, field, 'duration must be greater than 1ms', 'such as 5s, 1.5s, 250ms or 1h30m');
    else if (!Number.isInteger(ms))
      this.refuse(tree, field, 'only durations to ms precision are supported', 'such as 0.25s or 250ms');
  }

  /** A field that istiod reads as a duration though its schema takes any text. */
  durationText(tree: Tree | undefined, field: string): boolean {
    if (tree === undefined || typeof tree[field] !== 'string' || parseDuration(stringAt(tree, field)) !== null)
      return true;
    this.refuse(
      tree,
      field,
      `bad Duration: invalid duration ${JSON.stringify(tree[field])}`,
      'such as 5s, 250ms or 1h30m',
    );
    return false;
  }

  /** `destination` of a route or mirror. */
  destination(tree: Tree, field: string): void {
    const destination = treeAt(tree, field);
    if (destination === undefined) return;
    const host = stringAt(destination, 'host');
    if (host === '*') this.refuse(destination, 'host', 'invalid destination host *');
    else this.host(destination, 'host', host);
    const subset = stringAt(destination, 'subset');
    if (subset !== '' && !isLabel(subset)) this.refuse(destination, 'subset', `subset name is invalid: ${subset}`);
    const port = treeAt(destination, 'port');
    if (port !== undefined) this.port(port, 'number', numberAt(port, 'number') ?? 0);
  }

  weights(owner: Tree, field: string, destinations: readonly Tree[]): void {
    let total = 0;
    for (const one of destinations) {
      const weight = numberAt(one, 'weight') ?? 0;
      if (weight < 0) this.refuse(one, 'weight', `weight ${weight} < 0`, 'at least 0');
      total += weight;
      if (treeAt(one, 'destination') === undefined) this.refuse(one, '', 'destination is required');
    }
    if (destinations.length > 1 && total === 0) {
      this.refuse(owner, field, 'total destination weight = 0', 'at least one destination with a weight');
    }
  }

  /** `exportTo`: `*`, `.`, or namespaces; `~` for ServiceEntries. */
  exportTo({ nobody = false, own = false } = {}): void {
    const { spec, namespace } = this.resource;
    const seen = new Set<string>();
    const list = listAt(spec, 'exportTo');
    for (let i = 0; i < list.length; i++) {
      const entry = String(list[i]);
      const key = entry === '.' ? namespace : entry;
      if (seen.has(key)) {
        this.refuse(list, String(i), `duplicate entries in exportTo for entry ${entry}`);
        continue;
      }
      if (key !== '*' && !(nobody && entry === '~') && !isLabel(key)) {
        const allowed = nobody ? '*, ., ~ or a namespace' : '*, . or a namespace';
        this.refuse(list, String(i), `${JSON.stringify(entry)} is no namespace`, allowed);
      } else seen.add(key);
    }
    if (own && seen.size > 0 && !(seen.size === 1 && seen.has(namespace))) {
      const message = 'destination rule with workload selector cannot have exportTo beyond current namespace';
      this.refuse(spec, 'exportTo', message, '.');
    }
    if (list.length > 1 && seen.has('*')) {
      this.refuse(spec, 'exportTo', 'cannot have both public (*) and non-public exportTo values for a resource');
    }
    if (list.length > 1 && seen.has('~')) {
      this.refuse(spec, 'exportTo', 'cannot export service entry to no one (~) and someone');
    }
  }

  /** Labels that select workloads, in `tree[field]`. */
  private selecting(tree: Tree, field: string): void {
    const labels = treeAt(tree, field) ?? {};
    for (const key of Object.keys(labels)) {
      const value = labels[key];
      if (key === '') this.refuse(labels, key, 'empty key is not supported in selector');
      if (key.includes('*') || (typeof value === 'string' && value.includes('*'))) {
        this.refuse(labels, key, 'wildcard is not supported in selector');
      }
    }
  }

  /** `selector.matchLabels` of a policy, or `workloadSelector` of a DestinationRule. */
  selector(owner: Tree, field = 'selector'): void {
    const selector = treeAt(owner, field);
    if (selector === undefined) return;
    this.selecting(selector, 'matchLabels');
    this.selectorWarning(owner, field);
  }

  /** A selector without labels selects everything. */
  selectorWarning(owner: Tree, field = 'selector'): void {
    const selector = treeAt(owner, field);
    if (selector === undefined) return;
    if (Object.keys(treeAt(selector, 'matchLabels') ?? {}).length === 0) {
      this.warn(owner, field, 'workload selector specified without labels');
    }
  }

  /** `workloadSelector.labels` of the networking kinds; false when nothing else is looked at. */
  workloadSelector(what: string): boolean {
    const { spec } = this.resource;
    const selector = treeAt(spec, 'workloadSelector');
    if (selector === undefined) return true;
    const before = this.passed;
    this.selecting(selector, 'labels');
    if (this.passed !== before) return false;
    if (Object.keys(treeAt(selector, 'labels') ?? {}).length === 0) {
      const message = `${what}: workload selector specified without labels, will be applied to all services in namespace`;
      this.warn(spec, 'workloadSelector', message);
    }
    return true;
  }

  /** `selector`, `targetRef` and `targetRefs` of a policy. */
  targets(): void {
    const { spec } = this.resource;
    const single = treeAt(spec, 'targetRef');
    const several = treesAt(spec, 'targetRefs');
    const given = [treeAt(spec, 'selector'), single, several[0]].filter((v) => v !== undefined);
    if (given.length > 1) this.refuse(spec, 'selector', 'only one of targetRefs or workloadSelector can be set');
    this.selector(spec);
    for (const ref of single === undefined ? several : [single, ...several]) this.targetRef(ref);
  }

  private targetRef(ref: Tree): void {
    if (stringAt(ref, 'name') === '') this.refuse(ref, 'name', 'targetRef name must be set');
    if (stringAt(ref, 'namespace') !== '') {
      this.refuse(
        ref,
        'namespace',
        'targetRef namespace must not be set; cross namespace referencing is not supported',
      );
    }
    const group = stringAt(ref, 'group');
    const target = `${group === 'core' ? '' : group}/${stringAt(ref, 'kind')}`;
    if (TARGETS.includes(target)) return;
    this.refuse(ref, 'kind', `targetRef must not be to ${target}`, TARGETS.join(', '));
  }

  /** Labels of workloads, in `tree[field]`. */
  workloadLabels(tree: Tree, field: string): void {
    const labels = treeAt(tree, field) ?? {};
    for (const key of Object.keys(labels)) {
      const reason = workloadLabelFault(key, stringAt(labels, key));
      if (reason !== null) this.refuse(labels, key, reason);
    }
  }

  /** Gateways that a VirtualService or a match names: `namespace/name`, or the older DNS names. */
  gateways(tree: Tree): void {
    const names = listAt(tree, 'gateways');
    for (let i = 0; i < names.length; i++) {
      const name = String(names[i]);
      const slash = name.indexOf('/');
      if (slash === -1) {
        if (name.includes('.')) {
          const [gateway, namespace] = name.split('.');
          const better = `"${namespace}/${gateway}"`;
          this.warn(
            names,
            String(i),
            `using legacy gatewayName format "${name}"; prefer the <namespace>/<name> format: ${better}`,
          );
        }
        const reason = nameFault(name);
        if (reason !== null) this.refuse(names, String(i), reason, 'namespace/name');
        // istiod looks no further than the first name of this form.
        return;
      }
      const parts = [name.slice(0, slash), name.slice(slash + 1)];
      const wrong = parts.find((part) => !isLabel(part));
      if (wrong !== undefined) this.refuse(names, String(i), `invalid value for gateway: "${wrong}"`, 'namespace/name');
    }
  }

  subnets(tree: Tree, field: string): void {
    const subnets = listAt(tree, field);
    for (let i = 0; i < subnets.length; i++) {
      const reason = subnetFault(String(subnets[i]));
      if (reason !== null) this.refuse(subnets, String(i), reason, 'an address, or one with /bits');
    }
  }

  regex(tree: object, field: string, pattern: string, where: string): void {
    const long = Buffer.byteLength(pattern) > 1024 ? 'regex is too large, max length allowed is 1024' : null;
    const fault = long ?? regexFault(pattern);
    if (fault === null) return;
    const reason = long ?? `error parsing regexp: ${fault}`;
    this.refuse(
      tree,
      field,
      `"${where}": ${reason}`,
      'a regular expression of RE2 (https://github.com/google/re2/wiki/Syntax)',
    );
  }

  /** A StringMatch; `emptyPrefix` is allowed for the path alone. */
  stringMatch(owner: Tree, field: string, where: string, emptyPrefix = false): void {
    const match = owner[field];
    if (!isTree(match)) return;
    if (match['prefix'] === '' && !emptyPrefix) {
      this.refuse(match, 'prefix', `"${where}": prefix string match should not be empty`);
    }
    if (typeof match['regex'] !== 'string') return;
    if (match['regex'] === '') this.refuse(match, 'regex', `"${where}": regex string match should not be empty`);
    else this.regex(match, 'regex', match['regex'], where);
  }
}

/** What a policy may be bound to, as `group/kind`. */
const TARGETS = [
  '/Service',
  'networking.istio.io/ServiceEntry',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
];
