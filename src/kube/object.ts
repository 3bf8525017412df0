import { xxHash64 } from '../base/xxhash64.js';
import { type KubeDocument, readKubeObject } from '../config/kube-documents.js';
import { isObject, type Plain, type PlainObject, putField } from '../config/plain.js';
import { type Position, placeTree } from '../config/position.js';
import type { ResourceType } from './resources.js';

/** An object of the cluster as it is held. */
export interface Held {
  /** `namespace/name`, or the name alone of one that belongs to no namespace. */
  readonly key: string;
  /** Hash of what is read of it, to tell whether a new version says anything new. */
  readonly digest: bigint;
  /** null for an object that is no document; `fault` says why. */
  readonly document: KubeDocument | null;
  readonly fault: string;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Reads an object out of a list or a watch. Its parts have one position, `namespace/Kind/name`; items of a list do not name their own
 * kind. What no translation reads is left out (managed fields, conditions, most of a Pod), so that a change there is none.
 */
export function hold(object: PlainObject, type: ResourceType, apiVersion: string): Held {
  const metadata: PlainObject = isObject(object.metadata) ? object.metadata : {};
  // Head first: the order of the fields is part of the digest.
  const kept: PlainObject = { apiVersion, kind: type.kind, metadata: metadataOf(metadata) };
  for (const [field, value] of Object.entries(type.kind === 'Pod' ? podOf(object) : object))
    if (!(field in kept) && (field !== 'status' || type.kind === 'Pod')) putField(kept, field, value);
  const place: Position = { file: positionName(type.kind, metadata), line: 0, col: 0 };
  placeTree(kept, place);
  const { docs, errors } = readKubeObject(kept, place);
  return {
    key: keyOf(metadata),
    digest: xxHash64(JSON.stringify(kept)),
    document: docs[0] ?? null,
    fault: errors.map((error) => error.message).join('\n'),
  };
}

export function keyOf(metadata: PlainObject): string {
  const { namespace, name } = metadata;
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : String(name);
}

function positionName(kind: string, { namespace, name }: PlainObject): string {
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${kind}/${name}` : `${kind}/${name}`;
}

function pick(from: Plain | undefined, fields: readonly string[]): PlainObject {
  const out: PlainObject = {};
  if (!isObject(from)) return out;
  for (const field of fields) if (from[field] !== undefined) out[field] = from[field];
  return out;
}

function metadataOf(metadata: PlainObject): PlainObject {
  const out = pick(metadata, ['name', 'namespace', 'labels', 'annotations', 'creationTimestamp', 'deletionTimestamp']);
  if (isObject(out.annotations) && LAST_APPLIED in out.annotations) {
    out.annotations = { ...out.annotations };
    delete out.annotations[LAST_APPLIED];
  }
  return out;
}

function podOf(object: PlainObject): PlainObject {
  const spec = pick(object.spec, ['serviceAccountName', 'containers']);
  if (Array.isArray(spec.containers)) spec.containers = spec.containers.map((one) => pick(one, ['name', 'ports']));
  return { spec, status: pick(object.status, ['podIP', 'phase']) };
}
