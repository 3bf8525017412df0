/** `server.`: what Envoy tells of the process. Updated at each stats flush. */
export class ServerStats {
  debug_assertion_failures = 0;
  dropped_stat_flushes = 0;
  dynamic_unknown_fields = 0;
  envoy_bug_failures = 0;
  envoy_notifications = 0;
  static_unknown_fields = 0;
  wip_protos = 0;
  concurrency = 1;
  days_until_first_cert_expiring = 4294967295;
  seconds_until_first_ocsp_response_expiring = 0;
  hot_restart_epoch = 0;
  hot_restart_generation = 1;
  live = 0;
  memory_allocated = 0;
  memory_heap_size = 0;
  memory_physical_size = 0;
  parent_connections = 0;
  state = 3;
  stats_recent_lookups = 0;
  total_connections = 0;
  uptime = 0;
  version = 0;
}

export const SERVER_GAUGES: ReadonlySet<string> = new Set([
  'concurrency',
  'days_until_first_cert_expiring',
  'seconds_until_first_ocsp_response_expiring',
  'hot_restart_epoch',
  'hot_restart_generation',
  'live',
  'memory_allocated',
  'memory_heap_size',
  'memory_physical_size',
  'parent_connections',
  'state',
  'stats_recent_lookups',
  'total_connections',
  'uptime',
  'version',
]);

/** `listener_manager.` */
export class ListenerManagerStats {
  listener_added = 0;
  listener_create_failure = 0;
  listener_create_success = 0;
  listener_in_place_updated = 0;
  listener_modified = 0;
  listener_removed = 0;
  listener_stopped = 0;
  total_filter_chains_draining = 0;
  total_listeners_active = 0;
  total_listeners_draining = 0;
  total_listeners_warming = 0;
  workers_pinned = 0;
  workers_started = 0;
}

export const LISTENER_MANAGER_GAUGES: ReadonlySet<string> = new Set([
  'total_filter_chains_draining',
  'total_listeners_active',
  'total_listeners_draining',
  'total_listeners_warming',
  'workers_pinned',
  'workers_started',
]);
