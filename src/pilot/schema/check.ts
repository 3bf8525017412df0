import { nearest } from '../../config/error.js';
import { kindOf } from '../../config/plain.js';
import { parseDuration } from '../duration.js';
import type { Findings } from '../finding.js';
import type { Resource } from '../resource.js';
import { isTree, type Tree } from '../tree.js';
import { DESTINATION_RULE_SPEC } from './destination-rule.js';
import { ENVOY_FILTER_SPEC } from './envoy-filter.js';
import { GATEWAY_SPEC } from './gateway.js';
import { PEER_AUTHENTICATION_SPEC } from './peer-authentication.js';
import { PROXY_CONFIG_SPEC } from './proxy-config.js';
import { SERVICE_ENTRY_SPEC } from './service-entry.js';
import { SIDECAR_SPEC } from './sidecar.js';
import { TELEMETRY_SPEC } from './telemetry.js';
import type { MessageType, Type } from './types.js';
import { VIRTUAL_SERVICE_SPEC } from './virtual-service.js';
import { WORKLOAD_ENTRY_SPEC } from './workload-entry.js';

const SPECS: Readonly<Record<string, MessageType>> = {
  DestinationRule: DESTINATION_RULE_SPEC,
  EnvoyFilter: ENVOY_FILTER_SPEC,
  Gateway: GATEWAY_SPEC,
  PeerAuthentication: PEER_AUTHENTICATION_SPEC,
  ProxyConfig: PROXY_CONFIG_SPEC,
  ServiceEntry: SERVICE_ENTRY_SPEC,
  Sidecar: SIDECAR_SPEC,
  Telemetry: TELEMETRY_SPEC,
  VirtualService: VIRTUAL_SERVICE_SPEC,
  WorkloadEntry: WORKLOAD_ENTRY_SPEC,
};

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** Whether a document is of a kind whose schema is known here. */
export function hasSchema(resource: Resource): boolean {
  return resource.group.endsWith('istio.io') && Object.hasOwn(SPECS, resource.kind);
}

/**
 * Checks a document against the schema of its custom resource, as the API server would with strict validation. True when
 * nothing is wrong. Kinds without a schema here pass.
 */
export function checkSchema(resource: Resource, findings: Findings): boolean {
  const spec = resource.group.endsWith('istio.io') ? SPECS[resource.kind] : undefined;
  if (spec === undefined) return true;
  const checker = new Checker(resource, findings);
  for (const key of Object.keys(resource.body)) {
    if (!TOP_FIELDS.includes(key)) checker.unknown(resource.body, key, TOP_FIELDS);
  }
  const value = resource.body['spec'];
  if (value !== undefined && value !== null) checker.value(spec, resource.body, 'spec', value);
  return checker.passed;
}

class Checker {
  passed = true;

  constructor(
    private readonly resource: Resource,
    private readonly findings: Findings,
  ) {}

  private fault(tree: object, field: string, message: string, allowed?: string): void {
    this.passed = false;
    this.findings.error('schema', this.resource, tree, field, message, allowed);
  }

  unknown(tree: Tree, key: string, known: readonly string[]): void {
    const near = nearest(key, known);
    const allowed = near.length > 0 ? `did you mean ${near.join(' or ')}` : known.join(', ');
    this.fault(tree, key, `unknown field ${JSON.stringify(key)}`, allowed === '' ? 'no field' : allowed);
  }

  /** `tree[field]` is `value`. */
  value(type: Type, tree: object, field: string, value: unknown): void {
    switch (type.kind) {
      case 'anything':
        return;
      case 'text':
        if (typeof value !== 'string') this.mistyped(tree, field, value, 'a string');
        else this.text(type, tree, field, value);
        return;
      case 'duration':
        if (typeof value !== 'string') this.mistyped(tree, field, value, 'a duration such as 5s or 250ms');
        else this.duration(tree, field, value);
        return;
      case 'flag':
        if (typeof value !== 'boolean') this.mistyped(tree, field, value, 'true or false');
        return;
      case 'integer':
      case 'number':
        this.number(type, tree, field, value);
        return;
      case 'choice':
        if (typeof value !== 'string') this.mistyped(tree, field, value, type.names.join(', '));
        else if (!type.names.includes(value)) {
          this.fault(tree, field, `unsupported value ${JSON.stringify(value)}`, type.names.join(', '));
        }
        return;
      case 'list':
        if (!Array.isArray(value)) {
          this.mistyped(tree, field, value, 'a list');
          return;
        }
        if (value.length < type.min) this.fault(tree, field, `should have at least ${type.min} items`);
        if (value.length > type.max) this.fault(tree, field, `should have at most ${type.max} items`);
        for (let i = 0; i < value.length; i++) {
          if (value[i] !== null) this.value(type.items, value, String(i), value[i]);
        }
        return;
      case 'map':
        if (!isTree(value)) {
          this.mistyped(tree, field, value, 'a mapping');
          return;
        }
        for (const key of Object.keys(value)) {
          if (value[key] !== null) this.value(type.values, value, key, value[key]);
        }
        return;
      case 'message':
        if (!isTree(value)) this.mistyped(tree, field, value, 'a mapping');
        else this.message(type, tree, field, value);
        return;
    }
  }

  private mistyped(tree: object, field: string, value: unknown, allowed: string): void {
    this.fault(tree, field, `${kindOf(value)} is not allowed here`, allowed);
  }

  private message(type: MessageType, tree: object, field: string, value: Tree): void {
    const has = (name: string) => value[name] !== undefined && value[name] !== null;
    const known = Object.keys(type.fields);
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(type.fields, key)) this.unknown(value, key, known);
      else if (has(key)) this.value(type.fields[key], value, key, value[key]);
    }
    for (const name of type.required) if (!has(name)) this.fault(tree, field, `${name} is missing`);
    for (const group of type.oneOf) {
      const given = group.filter(has);
      if (given.length > 1) this.fault(value, given[1], `${given.join(' and ')} exclude each other`);
    }
  }

  private text(type: Extract<Type, { kind: 'text' }>, tree: object, field: string, value: string): void {
    const length = [...value].length;
    if (length < type.min) this.fault(tree, field, 'the text is too short', `at least ${type.min} characters`);
    if (length > type.max) this.fault(tree, field, 'the text is too long', `at most ${type.max} characters`);
    if (type.pattern !== null && !type.pattern.test(value)) {
      this.fault(
        tree,
        field,
        `${JSON.stringify(value)} is not allowed here`,
        `text that matches ${type.pattern.source}`,
      );
    }
  }

  private duration(tree: object, field: string, value: string): void {
    const ms = parseDuration(value);
    if (ms === null || ms < 1) {
      this.fault(tree, field, 'must be a valid duration greater than 1ms', 'such as 5s, 1.5s, 250ms or 1h30m');
    } else if (!Number.isInteger(ms)) {
      this.fault(tree, field, 'only durations to ms precision are supported', 'such as 0.25s or 250ms');
    }
  }

  private number(
    type: Extract<Type, { kind: 'integer' | 'number' }>,
    tree: object,
    field: string,
    value: unknown,
  ): void {
    const whole = type.kind === 'integer';
    if (typeof value !== 'number' || (whole && !Number.isInteger(value))) {
      this.mistyped(tree, field, value, whole ? 'a whole number' : 'a number');
      return;
    }
    if (value >= type.min && value <= type.max) return;
    const bounds = Number.isFinite(type.max) ? `${type.min} to ${type.max}` : `at least ${type.min}`;
    this.fault(tree, field, `${value} is out of range`, bounds);
  }
}
