import type { Resource } from '../resource.js';
import { EXTENSIONS } from './crds/extensions.js';
import { GATEWAY } from './crds/gateway.js';
import { NETWORKING } from './crds/networking.js';
import { SECURITY } from './crds/security.js';
import { TELEMETRY } from './crds/telemetry.js';
import { type Group, readGroup, type Schema } from './notation.js';

const TEXTS: Readonly<Record<string, string>> = {
  'extensions.istio.io': EXTENSIONS,
  'gateway.networking.k8s.io': GATEWAY,
  'networking.istio.io': NETWORKING,
  'security.istio.io': SECURITY,
  'telemetry.istio.io': TELEMETRY,
};

const groups = new Map<string, Group>();

function groupOf(name: string): Group | undefined {
  const known = groups.get(name);
  if (known !== undefined || !Object.hasOwn(TEXTS, name)) return known;
  const group = readGroup(TEXTS[name]);
  groups.set(name, group);
  return group;
}

/** Whether a document is of a kind that Istio has checked before it is stored. */
export function hasSchema(resource: Resource): boolean {
  return groupOf(resource.group)?.kinds().includes(resource.kind) === true;
}

/** The schema of a document; undefined when its kind or version is not known. */
export function schemaOf(resource: Resource): Schema | undefined {
  const version = resource.apiVersion.slice(resource.group.length + 1);
  return groupOf(resource.group)?.find(resource.kind, version);
}

/** Every kind that is known, as `[group, kind]`. */
export function knownKinds(): [string, string][] {
  return Object.keys(TEXTS).flatMap((group) =>
    groupOf(group)!
      .kinds()
      .map((kind): [string, string] => [group, kind]),
  );
}

/** Versions of a kind, for messages. */
export function versionsOf(resource: Resource): string[] {
  return ['v1', 'v1beta1', 'v1alpha3', 'v1alpha2', 'v1alpha1'].filter(
    (version) => groupOf(resource.group)?.find(resource.kind, version) !== undefined,
  );
}
