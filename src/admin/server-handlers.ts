import type { AdminHost, LoggerView, LogLevel } from './host.js';
import { type AdminHandler, type AdminReply, json, ok, type Parameter, prettyJson, type Query, text } from './reply.js';

/** State of the server, its loggers and runtime, and the paths that change them. */
const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

function ready(host: AdminHost): AdminReply {
  const state = host.state();
  return text(state === 'LIVE' ? 200 : 503, `${state}\n`);
}

function serverInfo(host: AdminHost): AdminReply {
  const info = host.serverInfo();
  const uptime = `${Math.floor(info.uptimeSeconds)}s`;
  return json({
    version: info.version,
    state: host.state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: info.hotRestartVersion,
    command_line_options: info.commandLineOptions,
    node: info.node,
  });
}

/** Numbers of this process under the names that Envoy's allocator has. */
function memory(): AdminReply {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  return json({
    allocated: String(heapUsed + external),
    heap_size: String(heapTotal + external),
    pageheap_unmapped: '0',
    pageheap_free: String(heapTotal - heapUsed),
    total_thread_cache: '0',
    total_physical_bytes: String(rss),
  });
}

function runtime(host: AdminHost): AdminReply {
  const entries: Record<string, object> = {};
  for (const [key, finalValue, layerValues] of host.runtime.entries()) {
    entries[key] = { final_value: finalValue, layer_values: layerValues };
  }
  return json({ entries, layers: host.runtime.layers() });
}

function runtimeModify(query: Query, body: Query, host: AdminHost): AdminReply {
  const values = query.values.size > 0 ? query.values : body.values;
  if (values.size === 0) {
    return text(
      400,
      'usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n       or send the parameters as form values\n' +
        'use an empty value to remove a previously added override',
    );
  }
  return host.runtime.modify(values) ? ok() : text(503, 'No admin layer specified');
}

function activeLoggers(loggers: LoggerView): string {
  let out = 'active loggers:\n';
  for (const [name, level] of loggers.levels()) out += `  ${name}: ${level}\n`;
  return `${out}\n`;
}

const LOGGING_USAGE =
  'usage: /logging?<name>=<level> (change single level)\n' +
  'usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n' +
  'usage: /logging?level=<level> (change all levels)\n' +
  'usage: /logging?group=<group_name>:<level> (change group of loggers)\n' +
  `levels: ${LEVELS.join(' ')} \n`;

function logging(query: Query, body: Query, { loggers }: AdminHost): AdminReply {
  const values = query.values.size > 0 ? query.values : body.values;
  const error = changeLevels(values, loggers);
  if (error !== null) return text(400, `error: ${error}\n\n${LOGGING_USAGE}${activeLoggers(loggers)}`);
  return ok(activeLoggers(loggers));
}

/** What is wrong, or null. A parameter without a value changes nothing. */
function changeLevels(values: ReadonlyMap<string, string>, loggers: LoggerView): string | null {
  if (values.size > 1) return 'invalid number of parameters';
  for (const [name, value] of values) {
    if (value === '') return null;
    if (name === 'level') return setLevel(null, value, loggers);
    if (name !== 'paths' && name !== 'group') return setLevel(name, value, loggers);
    const known = new Set([...loggers.levels()].map(([logger]) => logger));
    const pairs = value.split(',').map((pair) => pair.split(':'));
    for (const [logger, level] of pairs) {
      if (level === undefined || logger === '') return 'empty logger name or empty logger level';
      if (!LEVELS.includes(level as LogLevel)) return 'unknown logger level';
      if (!known.has(logger)) return 'unknown logger name';
    }
    for (const [logger, level] of pairs) loggers.set(logger, level as LogLevel);
  }
  return null;
}

function setLevel(name: string | null, level: string, loggers: LoggerView): string | null {
  if (!LEVELS.includes(level as LogLevel)) return 'unknown logger level';
  return loggers.set(name, level as LogLevel) ? null : 'unknown logger name';
}

function initDump(query: Query, host: AdminHost): AdminReply {
  const mask = query.get('mask');
  const dumps = [...host.unreadyTargets()]
    .filter(([component]) => mask === undefined || mask === component)
    .flatMap(([component, names]) => (names.length === 0 ? [] : [{ name: component, target_names: names }]));
  return json(dumps.length === 0 ? {} : { unready_targets_dumps: dumps });
}

/** Profiles of this process come from Node's own tools, so the profilers of Envoy are answered as a build without them does. */
function profiler(query: Query, unavailable: AdminReply): AdminReply {
  const enable = query.get('enable');
  if (enable !== 'y' && enable !== 'n') return text(400, '?enable=<y|n>\n');
  return enable === 'y' ? unavailable : ok();
}

type Run = AdminHandler['run'];
const reads = (path: string, help: string, run: Run, params: readonly Parameter[] = []): AdminHandler => ({
  path,
  help,
  mutates: false,
  params,
  run,
});
const changes = (path: string, help: string, run: Run, params: readonly Parameter[] = []): AdminHandler => ({
  ...reads(path, help, run, params),
  mutates: true,
});

export const serverHandlers: readonly AdminHandler[] = [
  reads('/ready', 'print server state, return 200 if LIVE, otherwise return 503', (_request, host) => ready(host)),
  reads('/server_info', 'print server version/status information', (_request, host) => serverInfo(host)),
  reads('/memory', 'print current allocation/heap usage', () => memory()),
  reads('/memory/tcmalloc', 'print TCMalloc stats', () => ({
    status: 200,
    body: prettyJson(process.memoryUsage()),
    contentType: 'text/plain',
  })),
  reads('/certs', 'print certs on machine', (_request, host) => json({ certificates: host.certificates() })),
  reads(
    '/init_dump',
    'dump current Envoy init manager information (experimental)',
    ({ query }, host) => initDump(query, host),
    [
      {
        id: 'mask',
        description:
          'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. For example, get the unready targets of all listeners with /init_dump?mask=listener`',
      },
    ],
  ),
  reads('/runtime', 'print runtime values', (_request, host) => runtime(host)),
  changes(
    '/runtime_modify',
    'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
    ({ query, body }, host) => runtimeModify(query, body, host),
  ),
  changes('/logging', 'query/change logging levels', ({ query, body }, host) => logging(query, body, host), [
    {
      id: 'paths',
      description:
        'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>. If fine grain logging is enabled, use __FILE__ or a glob experision as the logger name. For example, source/common*:warning',
    },
    {
      id: 'group',
      description:
        'Change given logger group to desired level, set to <logger_group_name>:<desired_level>. logger_group_name must be a logger name.',
    },
    {
      id: 'level',
      description:
        "desired logging level, this will change all loggers's level; One of (, trace, debug, info, warning, error, critical, off)",
    },
  ]),
  changes('/healthcheck/fail', 'cause the server to fail health checks', (_request, host) => {
    host.setHealthcheck(true);
    return ok();
  }),
  changes('/healthcheck/ok', 'cause the server to pass health checks', (_request, host) => {
    host.setHealthcheck(false);
    return ok();
  }),
  changes(
    '/drain_listeners',
    'drain listeners',
    ({ query }, host) => {
      host.drainListeners({
        inboundOnly: query.has('inboundonly'),
        graceful: query.has('graceful'),
        skipExit: query.has('skip_exit'),
      });
      return ok();
    },
    [
      {
        id: 'graceful',
        description:
          'When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and duration is configurable via server options or CLI',
      },
      {
        id: 'skip_exit',
        description:
          'When draining listeners, drain the connections but never stop the listeners. The graceful parameter has no effect when this is set, since the drain period only delays stopping the listeners',
      },
      {
        id: 'inboundonly',
        description:
          'Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.',
      },
    ],
  ),
  changes('/quitquitquit', 'exit the server', (_request, host) => ({ ...ok(), after: () => host.quit() })),
  changes('/reopen_logs', 'reopen access logs', (_request, host) => {
    host.reopenLogs();
    return ok();
  }),
  reads('/hot_restart_version', 'print the hot restart compatibility version', (_request, host) =>
    ok(host.serverInfo().hotRestartVersion),
  ),
  reads('/contention', 'dump current Envoy mutex contention stats (if enabled)', () =>
    ok('Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.'),
  ),
  changes(
    '/cpuprofiler',
    'enable/disable the CPU profiler',
    ({ query }) => profiler(query, text(500, 'failure to start the profiler')),
    [{ id: 'enable', description: 'enables the CPU profiler; One of (y, n)' }],
  ),
  changes(
    '/heapprofiler',
    'enable/disable the heap profiler',
    () => text(501, 'The current build does not support heap profiler'),
    [{ id: 'enable', description: 'enable/disable the heap profiler; One of (y, n)' }],
  ),
  changes(
    '/allocprofiler',
    'enable/disable the allocation profiler (if supported)',
    ({ query }) => profiler(query, text(501, 'The current build does not support allocation profiler')),
    [{ id: 'enable', description: 'enable/disable the allocation profiler; One of (y, n)' }],
  ),
  reads('/heap_dump', 'dump current Envoy heap (if supported)', () =>
    text(501, 'The current build does not support heap dump'),
  ),
  reads('/peak_heap_dump', 'dump peak Envoy heap (if supported)', () =>
    text(501, 'The current build does not support heap dump'),
  ),
  reads('/stats/recentlookups', 'Show recent stat-name lookups', () =>
    ok('Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n\ntotal: 0\n'),
  ),
  changes('/stats/recentlookups/clear', 'clear list of stat-name lookups and counter', () => ok()),
  changes('/stats/recentlookups/disable', 'disable recording of reset stat-name lookup names', () => ok()),
  // Statistics are not looked up by name here, so recording them would record nothing.
  changes('/stats/recentlookups/enable', 'enable recording of reset stat-name lookup names', () => ok()),
];
