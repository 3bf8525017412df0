import { byAge, type Resource, selects } from '../resource.js';
import { allFrom, booleanAt, listAt, stringAt, stringMapAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { World } from '../world.js';

/** The line that istiod writes when nobody gives a format (Istio 1.9 and later). */
const TEXT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

const JSON_FORMAT: Record<string, string> = {
  start_time: '%START_TIME%',
  route_name: '%ROUTE_NAME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

export type LogSide = 'CLIENT' | 'SERVER';

/** Where one access log goes, and which requests it keeps. */
interface Log {
  path: string;
  format: Tree;
  expression: string;
  source: Tree;
}

/**
 * Access logs of a connection manager or TCP proxy: of the Telemetry that holds for the workload, else of the mesh's
 * `accessLogFile`. `listener` is for connections that no filter chain takes.
 */
export function accessLogs(world: World, side: LogSide, listener = false): Tree[] {
  return logsOf(world, side).map((log) => {
    const filters: Tree[] = listener ? [{ response_flag_filter: { flags: ['NR'] } }] : [];
    if (log.expression !== '') filters.push(expressionFilter(log.expression));
    const out: Tree = {};
    if (filters.length > 0) out['filter'] = filters.length === 1 ? filters[0] : { and_filter: { filters } };
    out['name'] = 'envoy.access_loggers.file';
    out['typed_config'] = {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: log.path,
      log_format: log.format,
    };
    allFrom(out, log.source);
    return out;
  });
}

function expressionFilter(expression: string): Tree {
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
        expression,
      },
    },
  };
}

function logsOf(world: World, side: LogSide): Log[] {
  const { mesh } = world;
  const path = stringAt(mesh.tree, 'accessLogFile');
  const named = providersOf(world, side);
  if (named.size === 0)
    return path === '' ? [] : [{ path, format: meshFormat(mesh), expression: '', source: mesh.tree }];
  const out: Log[] = [];
  for (const [name, entry] of [...named].sort(([x], [y]) => (x < y ? -1 : 1))) {
    if (entry !== null && booleanAt(entry, 'disabled') === true) continue;
    const provider = providerOf(world, name);
    if (provider === null) continue;
    const expression = stringAt(treeAt(entry ?? {}, 'filter'), 'expression');
    out.push({ ...provider, expression, source: entry ?? mesh.tree });
  }
  return out;
}

/**
 * The providers that hold for one side of the workload, with the entry that decides about each; empty when Telemetry says
 * nothing, then the mesh's own log does. Levels are looked at from the root namespace down to the workload; an entry
 * without providers is about those of the entry before it.
 */
function providersOf(world: World, side: LogSide): Map<string, Tree | null> {
  const defaults = listAt(treeAt(world.mesh.tree, 'defaultProviders'), 'accessLogging').map(String);
  const levels = telemetryLevels(world, 'accessLogging');
  if (levels.length === 0) return new Map(defaults.map((name) => [name, null]));
  const names = (entry: Tree) => treesAt(entry, 'providers').map((p) => stringAt(p, 'name'));
  const applies = (entry: Tree) => {
    const mode = stringAt(treeAt(entry, 'match'), 'mode') || 'CLIENT_AND_SERVER';
    return mode === 'CLIENT_AND_SERVER' || mode === side;
  };
  let inScope = defaults;
  for (const level of levels) {
    const own = treesAt(level.spec, 'accessLogging').filter(applies).flatMap(names);
    if (own.length > 0) inScope = own;
  }
  const out = new Map<string, Tree | null>();
  let parents = defaults;
  for (const level of levels) {
    for (const entry of treesAt(level.spec, 'accessLogging')) {
      const own = names(entry);
      parents = own.length === 0 ? parents : own;
      for (const name of parents) {
        if (!inScope.includes(name) || !applies(entry)) continue;
        out.set(name, entry);
        if (providerOf(world, name) === null) refuseProvider(world, level, entry, name);
      }
    }
  }
  return out;
}

function refuseProvider(world: World, telemetry: Resource, entry: Tree, name: string): void {
  const message = `the access log provider ${JSON.stringify(name)} is not supported`;
  if (world.findings.list.some((f) => f.message === message && f.name === telemetry.name)) return;
  const allowed = 'envoy, or an extension provider with envoyFileAccessLog';
  world.findings.error('unsupported', telemetry, entry, 'providers', message, allowed);
}

function providerOf(world: World, name: string): Pick<Log, 'path' | 'format'> | null {
  const listed = treesAt(world.mesh.tree, 'extensionProviders').find((p) => stringAt(p, 'name') === name);
  const file = treeAt(listed, 'envoyFileAccessLog');
  if (file !== undefined) {
    const format = treeAt(file, 'logFormat');
    const labels = treeAt(format, 'labels');
    return {
      path: stringAt(file, 'path'),
      format:
        labels === undefined
          ? formatOf(stringAt(format, 'text'), false)
          : { json_format: labels, json_format_options: {} },
    };
  }
  return name === 'envoy' ? { path: '/dev/stdout', format: meshFormat(world.mesh) } : null;
}

function meshFormat(mesh: World['mesh']): Tree {
  return formatOf(stringAt(mesh.tree, 'accessLogFormat'), stringAt(mesh.tree, 'accessLogEncoding') === 'JSON');
}

function formatOf(format: string, json: boolean): Tree {
  if (json) return { json_format: format === '' ? JSON_FORMAT : parseJson(format), json_format_options: {} };
  const text = format === '' ? TEXT_FORMAT : format.endsWith('\n') ? format : `${format}\n`;
  return { text_format_source: { inline_string: text } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON_FORMAT;
  }
}

/** The Telemetries for workloads with `section` that hold for this one: the root namespace's, its namespace's, its own. */
function telemetryLevels(world: World, section: string): Resource[] {
  const { namespace, labels } = world.proxy;
  const root = world.mesh.rootNamespace;
  const targeted = (r: Resource) => r.spec['targetRef'] !== undefined || listAt(r.spec, 'targetRefs').length > 0;
  const all = world.resources.filter((r) => r.kind === 'Telemetry' && !targeted(r)).sort(byAge);
  const selector = (r: Resource) => stringMapAt(treeAt(r.spec, 'selector'), 'matchLabels');
  const general = (r: Resource) => Object.keys(selector(r)).length === 0;
  const levels = [
    all.find((r) => r.namespace === root && general(r)),
    namespace === root ? undefined : all.find((r) => r.namespace === namespace && general(r)),
    all.find((r) => r.namespace === namespace && !general(r) && selects(selector(r), labels)),
  ];
  return levels.filter((r): r is Resource => r !== undefined && listAt(r.spec, section).length > 0);
}
