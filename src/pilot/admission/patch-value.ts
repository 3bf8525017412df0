import { kindOf } from '../../config/plain.js';
import { type EnumType, type Field, type MessageType, messageType, shortNameOf, typeOf } from '../../xds/schema.js';
import { parseDuration } from '../duration.js';
import { isTree, type Tree } from '../tree.js';

/** The message that a patch changes, by `applyTo`. */
const MESSAGES: Readonly<Record<string, string>> = {
  LISTENER: 'Listener',
  FILTER_CHAIN: 'FilterChain',
  NETWORK_FILTER: 'NetworkFilter',
  HTTP_FILTER: 'HttpFilter',
  ROUTE_CONFIGURATION: 'RouteConfiguration',
  VIRTUAL_HOST: 'VirtualHost',
  HTTP_ROUTE: 'Route',
  CLUSTER: 'Cluster',
  EXTENSION_CONFIG: 'TypedExtensionConfig',
  BOOTSTRAP: 'Bootstrap',
  LISTENER_FILTER: 'ListenerFilter',
};

export interface ValueFault {
  tree: object;
  field: string;
  message: string;
}

/**
 * What istiod would not read of the value of a patch: fields of the wrong type and types that there are not. Fields that the
 * tables of messages do not hold are passed over; istiod itself only warns of those that it does not know.
 */
export function patchValueFault(applyTo: string, owner: Tree, field: string): ValueFault | null {
  const name = MESSAGES[applyTo];
  if (name === undefined) return { tree: owner, field, message: `unknown object type for applyTo ${applyTo}` };
  return message(messageType(name), owner, field);
}

function fault(tree: object, field: string, value: unknown, wanted: string): ValueFault {
  return { tree, field, message: `invalid value for ${wanted} field: ${kindOf(value)}` };
}

function message(type: MessageType, owner: object, name: string): ValueFault | null {
  const value = (owner as Tree)[name];
  if (!isTree(value)) return fault(owner, name, value, 'message');
  const seen = new Set<string>();
  for (const key of Object.keys(value)) {
    const field = type.byName.get(key);
    if (field === undefined || field.refused !== '' || value[key] === null) continue;
    const slot = field.oneof === '' ? field.name : field.oneof;
    if (seen.has(slot)) return { tree: value, field: key, message: `${key} is set beside another field of ${slot}` };
    seen.add(slot);
    const wrong = fieldFault(field, value, key);
    if (wrong !== null) return wrong;
  }
  return null;
}

function fieldFault(field: Field, owner: Tree, name: string): ValueFault | null {
  const value = owner[name];
  if (field.shape === 'single') return single(field, owner, name);
  const list = field.shape === 'list';
  if (list ? !Array.isArray(value) : !isTree(value)) return fault(owner, name, value, list ? 'repeated' : 'map');
  for (const key of Object.keys(value as object)) {
    const wrong = single(field, value as object, key);
    if (wrong !== null) return wrong;
  }
  return null;
}

const WHOLE: Readonly<Record<string, readonly [number, number]>> = {
  uint32: [0, 4294967295],
  int32: [-2147483648, 2147483647],
  uint64: [0, 2 ** 64],
  int64: [-(2 ** 63), 2 ** 63],
};

/** Whether Go's protojson reads a value as a scalar of this type. */
function isScalar(type: string, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== null;
    case 'double':
    case 'float':
      return typeof value === 'number' || (typeof value === 'string' && value !== '' && !Number.isNaN(Number(value)));
    case 'struct':
      return isTree(value);
    case 'value':
      return true;
  }
  const [min, max] = WHOLE[type];
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
  return Number.isInteger(number) && number >= min && number <= max;
}

function isEnum(type: EnumType, value: unknown): boolean {
  if (typeof value === 'string') return type.numbers.has(value);
  return Number.isInteger(value);
}

function single(field: Field, owner: object, name: string): ValueFault | null {
  const value = (owner as Tree)[name];
  if (field.type === 'any') return anyFault(owner, name);
  const type = typeOf(field.type);
  if (type?.kind === 'message') return message(type, owner, name);
  const fits = type === undefined ? isScalar(field.type, value) : isEnum(type, value);
  return fits ? null : fault(owner, name, value, field.type);
}

/** Messages of Envoy's API and what stands in it; version 2 is gone. */
const KNOWN =
  /^(?:envoy\.[a-z0-9_.]+\.v\d+(?:alpha\d*)?\.\w+(?:\.\w+)*|google\.(?:protobuf|rpc)\.\w+|(?:udpa|xds)\.[a-z0-9_.]+\.\w+|istio\.[a-z0-9_.]+\.\w+|opencensus\.[a-z0-9_.]+\.\w+|opentelemetry\.[a-z0-9_.]+\.\w+)$/;

function anyFault(owner: object, name: string): ValueFault | null {
  const value = (owner as Tree)[name];
  if (!isTree(value)) return fault(owner, name, value, 'google.protobuf.Any');
  const url = value['@type'];
  if (typeof url !== 'string') return { tree: value, field: '', message: 'missing "@type" field' };
  const full = url.slice(url.lastIndexOf('/') + 1);
  if (!KNOWN.test(full) || /\.v2(?:alpha\d*)?\./.test(full) || /^envoy\.config\.filter\./.test(full)) {
    const hint = /\.v2\./.test(full) ? ' (hint: try using the v3 XDS API)' : '';
    return { tree: value, field: '@type', message: `referenced type unknown${hint}: ${url}` };
  }
  const short = shortNameOf(full);
  return short === undefined ? null : message(messageType(short), owner, name);
}
