import { readDocuments } from './documents.js';
import { ConfigError } from './error.js';
import { isObject, kindOf, type Plain, type PlainObject } from './plain.js';
import { type Position, positionOf, setPosition } from './position.js';

export interface KubeMetadata {
  name: string;
  /** undefined when the document names none. */
  namespace?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Other fields (uid, creationTimestamp, ownerReferences, …) as written. */
  [key: string]: unknown;
}

/**
 * One Kubernetes object as it was written. `raw` is the whole document, `spec` its `spec` (undefined when it has none), both plain
 * values: `positionOf(container, key)` knows where every key and every item of a list was written.
 */
export interface KubeDocument {
  /** Such as `networking.istio.io/v1`. */
  apiVersion: string;
  kind: string;
  metadata: KubeMetadata;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is the business of the reader of that kind
  spec: any;
  raw: PlainObject;
  /** Where the document begins. */
  position: Position;
}

/** A mistake in a document; a mapping has `apiVersion` and `kind` too, empty when it does not name them. */
export type KubeError = ConfigError & { apiVersion?: string; kind?: string };

/**
 * Reads a file of Kubernetes documents: YAML (several documents, anchors, booleans of YAML 1.1) or JSON. A `List` (kind `List`, or
 * `…List` with `items`) is taken apart; empty documents are passed over. A document with mistakes is left out of `docs`, its mistakes
 * are in `errors`; the others are not affected.
 */
export function readKubeDocuments(file: string, text: string): { docs: KubeDocument[]; errors: KubeError[] } {
  const { documents, errors: unread } = readDocuments(file, text, 'kubernetes');
  const docs: KubeDocument[] = [];
  const errors: KubeError[] = unread;
  for (const { value, position } of documents) {
    if (value !== null) readObject(value, position, docs, errors, '');
  }
  errors.sort((a, b) => a.position!.line - b.position!.line);
  return { docs, errors };
}

/** Reads one object that is no text any more, such as one of the Kubernetes API; otherwise as `readKubeDocuments`. */
export function readKubeObject(value: Plain, position: Position): { docs: KubeDocument[]; errors: KubeError[] } {
  const docs: KubeDocument[] = [];
  const errors: KubeError[] = [];
  readObject(value, position, docs, errors, '');
  return { docs, errors };
}

function readObject(value: Plain, position: Position, docs: KubeDocument[], errors: KubeError[], path: string): void {
  if (!isObject(value)) {
    errors.push(
      new ConfigError(`${kindOf(value)} is not allowed here`, path, position, 'a mapping with apiVersion and kind'),
    );
    return;
  }
  const { apiVersion, kind } = value;
  const fault = (reason: string, field: string, at: Position | null, allowed = '') => {
    const error: KubeError = new ConfigError(reason, path === '' ? field : `${path}.${field}`, at ?? position, allowed);
    error.apiVersion = typeof apiVersion === 'string' ? apiVersion : '';
    error.kind = typeof kind === 'string' ? kind : '';
    errors.push(error);
  };
  const before = errors.length;
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    fault(missing(apiVersion), 'apiVersion', positionOf(value, 'apiVersion'), 'such as networking.istio.io/v1');
  }
  if (typeof kind !== 'string' || kind === '') {
    fault(missing(kind), 'kind', positionOf(value, 'kind'), 'such as VirtualService');
  }
  if (errors.length > before) return;
  const items = value.items;
  if ((kind as string).endsWith('List') && Array.isArray(items)) {
    for (let i = 0; i < items.length; i++) {
      const at = positionOf(items, String(i)) ?? position;
      readObject(items[i], at, docs, errors, path === '' ? `items[${i}]` : `${path}.items[${i}]`);
    }
    return;
  }
  const metadata = readMetadata(value, fault);
  if (metadata === null || errors.length > before) return;
  docs.push({
    apiVersion: apiVersion as string,
    kind: kind as string,
    metadata,
    spec: value.spec === null ? undefined : value.spec,
    raw: value,
    position,
  });
}

function missing(value: Plain | undefined): string {
  return value === undefined || value === '' ? 'the field is missing' : `${kindOf(value)} is not allowed here`;
}

type Fault = (reason: string, field: string, at: Position | null, allowed?: string) => void;

function readMetadata(document: PlainObject, fault: Fault): KubeMetadata | null {
  const source = document.metadata;
  const at = positionOf(document, 'metadata');
  if (!isObject(source)) {
    fault(missing(source), 'metadata', at, 'a mapping with name');
    return null;
  }
  const generated = typeof source.generateName === 'string';
  if ((typeof source.name !== 'string' || source.name === '') && !generated) {
    fault(missing(source.name), 'metadata.name', positionOf(source, 'name') ?? at, 'a string');
  }
  if (source.namespace !== undefined && source.namespace !== null && typeof source.namespace !== 'string') {
    fault(missing(source.namespace), 'metadata.namespace', positionOf(source, 'namespace'), 'a string; quote it');
  }
  for (const field of ['labels', 'annotations']) readStrings(source, field, fault);
  const labels = (source.labels ?? {}) as Record<string, string>;
  const annotations = (source.annotations ?? {}) as Record<string, string>;
  const name = typeof source.name === 'string' ? source.name : String(source.generateName);
  const namespace = typeof source.namespace === 'string' && source.namespace !== '' ? source.namespace : undefined;
  const metadata: KubeMetadata = { ...source, name, namespace, labels, annotations };
  for (const key of ['', ...Object.keys(source)]) {
    const position = positionOf(source, key);
    if (position !== null) setPosition(metadata, key, position);
  }
  return metadata;
}

function readStrings(source: PlainObject, field: string, fault: Fault): void {
  const value = source[field];
  if (value === undefined || value === null) return;
  const path = `metadata.${field}`;
  if (!isObject(value)) {
    fault(missing(value), path, positionOf(source, field), 'a mapping of strings');
    return;
  }
  for (const key of Object.keys(value)) {
    if (typeof value[key] === 'string') continue;
    fault(missing(value[key]), `${path}[${key}]`, positionOf(value, key), 'a string; quote it');
  }
}
