import { compileQueryRegex, type StringPredicate } from '../observe/string-match.js';
import type { ConfigDumpMessage } from './host.js';
import { type AdminHandler, type AdminReply, json, type Query } from './reply.js';

/** `/config_dump` with `resource`, `mask` and `name_regex`. */
const TYPE = 'type.googleapis.com/envoy.admin.v3.';

/** Repeated fields of the dumps: the type of their elements and the field that holds the named resource. */
const RESOURCES: Record<string, { type: string; holder: string }> = {
  static_clusters: { type: 'ClustersConfigDump.StaticCluster', holder: 'cluster' },
  dynamic_active_clusters: { type: 'ClustersConfigDump.DynamicCluster', holder: 'cluster' },
  dynamic_warming_clusters: { type: 'ClustersConfigDump.DynamicCluster', holder: 'cluster' },
  static_listeners: { type: 'ListenersConfigDump.StaticListener', holder: 'listener' },
  dynamic_listeners: { type: 'ListenersConfigDump.DynamicListener', holder: '' },
  static_route_configs: { type: 'RoutesConfigDump.StaticRouteConfig', holder: 'route_config' },
  dynamic_route_configs: { type: 'RoutesConfigDump.DynamicRouteConfig', holder: 'route_config' },
  inline_scoped_route_configs: { type: 'ScopedRoutesConfigDump.InlineScopedRouteConfigs', holder: '' },
  dynamic_scoped_route_configs: { type: 'ScopedRoutesConfigDump.DynamicScopedRouteConfigs', holder: '' },
  static_secrets: { type: 'SecretsConfigDump.StaticSecret', holder: '' },
  dynamic_active_secrets: { type: 'SecretsConfigDump.DynamicSecret', holder: '' },
  dynamic_warming_secrets: { type: 'SecretsConfigDump.DynamicSecret', holder: '' },
  static_endpoint_configs: { type: 'EndpointsConfigDump.StaticEndpointConfig', holder: 'endpoint_config' },
  dynamic_endpoint_configs: { type: 'EndpointsConfigDump.DynamicEndpointConfig', holder: 'endpoint_config' },
};
const SINGLE = ['bootstrap', 'last_updated', 'version_info'];
/** Fields an element of a dump can have. */
const ELEMENT_FIELDS = new Set(
  'cluster listener route_config secret endpoint_config scoped_route_configs name version_info last_updated error_state client_status active_state warming_state draining_state'.split(
    ' ',
  ),
);

type Fields = Record<string, unknown>;

function refused(status: number, body: string): AdminReply {
  return { status, body, contentType: 'text/plain', nosniffTwice: true };
}

/** Every path of a field mask, split. */
function maskPaths(mask: string): string[][] {
  return mask.split(',').map((path) => path.trim().split('.'));
}

/** `value` with only what the mask names; `@type` stays. Lists are not entered, as in protobuf. */
function masked(value: Fields, paths: readonly string[][]): Fields {
  const out: Fields = {};
  for (const key of Object.keys(value)) {
    if (key === '@type') {
      out[key] = value[key];
      continue;
    }
    const below = paths.filter(([first]) => first === key).map((path) => path.slice(1));
    if (below.length === 0) continue;
    const child = value[key];
    const whole = below.some((path) => path.length === 0);
    out[key] =
      whole || typeof child !== 'object' || child === null || Array.isArray(child)
        ? child
        : masked(child as Fields, below);
  }
  return out;
}

function nameOf(element: Fields, holder: string): string {
  const resource = holder === '' ? element : (element[holder] as Fields | undefined);
  const name = resource?.name ?? resource?.cluster_name;
  return typeof name === 'string' ? name : '';
}

function filterNames(message: ConfigDumpMessage, accepts: StringPredicate): ConfigDumpMessage {
  const out: ConfigDumpMessage = { '@type': message['@type'] };
  for (const [field, value] of Object.entries(message)) {
    const known = RESOURCES[field];
    if (known === undefined || !Array.isArray(value)) out[field] = value;
    else {
      const kept = value.filter((element: Fields) => accepts(nameOf(element, known.holder)));
      if (kept.length > 0) out[field] = kept;
    }
  }
  return out;
}

export function configDump(query: Query, dump: (includeEds: boolean) => readonly ConfigDumpMessage[]): AdminReply {
  let accepts: StringPredicate | null = null;
  const regex = query.get('name_regex');
  if (regex !== undefined) {
    const compiled = compileQueryRegex(regex);
    if (typeof compiled !== 'function') {
      const reason = compiled.error.replace('Invalid re2 regex: ', '');
      const body = `INVALID_ARGUMENT: Error while parsing name_regex from ${regex}: ${reason}`;
      return { status: 400, body, contentType: 'text/plain' };
    }
    accepts = compiled;
  }
  let messages = dump(query.has('include_eds'));
  if (accepts !== null) messages = messages.map((message) => filterNames(message, accepts));
  const mask = query.get('mask');
  const resource = query.get('resource');
  if (resource !== undefined) return dumpResource(messages, resource, mask);
  if (mask === undefined) return configs(messages);
  const paths = maskPaths(mask);
  const known = (path: readonly string[]) => Object.hasOwn(RESOURCES, path[0]) || SINGLE.includes(path[0]);
  const kept = paths.every(known)
    ? messages.filter((message) => paths.every(([first]) => first in message)).map((message) => masked(message, paths))
    : [];
  if (kept.length === 0) {
    return refused(400, `FieldMask ${mask} could not be successfully applied to any configs.`);
  }
  return configs(kept);
}

function configs(list: readonly object[]): AdminReply {
  return json(list.length === 0 ? {} : { configs: list });
}

function dumpResource(messages: readonly ConfigDumpMessage[], resource: string, mask: string | undefined): AdminReply {
  if (SINGLE.includes(resource)) {
    return refused(400, `${resource} is not a repeated field. Use ?mask=${resource} to get only this field`);
  }
  const known = RESOURCES[resource];
  if (!Object.hasOwn(RESOURCES, resource)) return refused(404, `${resource} not found in config dump`);
  const paths = mask === undefined ? null : maskPaths(mask);
  if (paths !== null && !paths.every(([first]) => ELEMENT_FIELDS.has(first))) {
    const text = paths.map((path) => `paths: "${path.join('.')}"`).join(' ');
    return refused(400, `FieldMask ${text} could not be successfully used.`);
  }
  const elements = messages.flatMap((message) => {
    const list = message[resource];
    return Array.isArray(list) ? (list as Fields[]) : [];
  });
  return configs(
    elements.map((element) => {
      const typed = { '@type': TYPE + known.type, ...element };
      return paths === null ? typed : masked(typed, paths);
    }),
  );
}

export const configDumpHandler: AdminHandler = {
  path: '/config_dump',
  help: 'dump current Envoy configs',
  mutates: false,
  params: [
    { id: 'resource', description: 'The resource to dump' },
    {
      id: 'mask',
      description:
        'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask',
    },
    {
      id: 'name_regex',
      description:
        'Dump only the currently loaded configurations whose names match the specified regex. Can be used with both resource and mask query parameters.',
    },
    {
      id: 'include_eds',
      description:
        'Dump currently loaded configuration including EDS. See the response definition for more information',
    },
  ],
  run: ({ query }, host) => configDump(query, (includeEds) => host.configDump(includeEds)),
};
