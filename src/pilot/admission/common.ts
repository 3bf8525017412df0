import { isIP } from 'node:net';
import { regexFault } from '../../xds/regex.js';
import type { Findings } from '../finding.js';
import type { Resource } from '../resource.js';
import { isTree, listAt, numberAt, stringAt, type Tree, treeAt } from '../tree.js';

/** Says what istiod's admission would say about one document. */
export class Admission {
  passed = true;

  constructor(
    readonly resource: Resource,
    private readonly findings: Findings,
  ) {}

  refuse(tree: object, field: string, message: string, allowed?: string): void {
    this.passed = false;
    this.findings.error('admission', this.resource, tree, field, message, allowed);
  }

  warn(tree: object, field: string, message: string): void {
    this.findings.warn('admission', this.resource, tree, field, message);
  }

  /** A host name, perhaps a wildcard; with `addresses` an IP address too. */
  host(tree: object, field: string, host: string, addresses = false): boolean {
    if (addresses && isIP(host) !== 0) return true;
    const reason = domainFault(host);
    if (reason === null) return true;
    this.refuse(tree, field, reason, 'a DNS name such as shop.example.com or *.example.com');
    return false;
  }

  port(tree: Tree, field: string, number: number | undefined): void {
    if (number !== undefined && (number < 1 || number > 65535)) {
      this.refuse(tree, field, `port number ${number} must be in the range 1..65535`);
    }
  }

  /** `destination` of a route or mirror. */
  destination(tree: Tree, field: string): void {
    const destination = treeAt(tree, field);
    if (destination === undefined) return;
    const host = stringAt(destination, 'host');
    if (host === '*') this.refuse(destination, 'host', 'invalid destination host *');
    else this.host(destination, 'host', host, true);
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

  /** `exportTo`: `*`, `.`, or namespaces; `~` where `nobody` allows it. */
  exportTo(nobody: boolean): void {
    const { spec, namespace } = this.resource;
    const seen = new Set<string>();
    const list = listAt(spec, 'exportTo');
    for (let i = 0; i < list.length; i++) {
      const entry = String(list[i]);
      const key = entry === '.' ? namespace : entry;
      if (seen.has(key)) this.refuse(list, String(i), `duplicate entries in exportTo for entry ${entry}`);
      seen.add(key);
      if (key !== '*' && !(nobody && key === '~') && !isLabel(key)) {
        this.refuse(
          list,
          String(i),
          `${JSON.stringify(entry)} is no namespace`,
          nobody ? '*, ., ~ or a namespace' : '*, . or a namespace',
        );
      }
    }
    if (list.length > 1 && seen.has('*')) {
      this.refuse(spec, 'exportTo', 'cannot have both public (*) and non-public exportTo values for a resource');
    }
    if (list.length > 1 && seen.has('~')) {
      this.refuse(spec, 'exportTo', 'cannot export service entry to no one (~) and someone');
    }
  }

  /** `matchLabels` or `labels` that select workloads. */
  labels(tree: Tree | undefined, field: string): void {
    const labels = treeAt(tree, field);
    if (labels === undefined) return;
    for (const key of Object.keys(labels)) {
      const value = labels[key];
      if (key === '') this.refuse(labels, key, 'empty key is not supported in selector');
      if (key.includes('*') || (typeof value === 'string' && value.includes('*'))) {
        this.refuse(labels, key, 'wildcard is not supported in selector');
      }
    }
  }

  regex(tree: Tree, field: string, pattern: string, where: string): void {
    const long = pattern.length > 1024 ? 'regex is too large, max length allowed is 1024' : null;
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

/** A DNS label (RFC 1123). */
export function isLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(text);
}

const WILDCARD_LABEL = /^(?:\*|[a-zA-Z0-9*]?(?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const NAME_LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?$/;

/** Why a name is no DNS name; a wildcard may stand for its first label. */
export function domainFault(host: string): string | null {
  if (host === '') return 'empty domain name not allowed';
  if (host.length > 255) return `domain name ${JSON.stringify(host)} too long (max 255)`;
  const labels = host.split('.');
  if (labels[labels.length - 1] === '') labels.pop();
  const [first, ...rest] = labels;
  if (!WILDCARD_LABEL.test(first))
    return `domain name ${JSON.stringify(host)} invalid (label ${JSON.stringify(first)} invalid)`;
  const top = rest[rest.length - 1];
  if (top !== undefined && /^\d+$/.test(top)) {
    return `domain name ${JSON.stringify(host)} invalid (top level domain ${JSON.stringify(top)} cannot be all-numeric)`;
  }
  for (const label of rest) {
    if (label.length <= 63 && NAME_LABEL.test(label)) continue;
    return `domain name ${JSON.stringify(host)} invalid (label ${JSON.stringify(label)} invalid)`;
  }
  return null;
}
