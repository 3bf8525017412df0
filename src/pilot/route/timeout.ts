import { formatDuration } from '../../config/duration.js';
import type { FieldValue, Profile, TimeoutFields } from '../profile.js';
import { comesFrom, type Tree } from '../tree.js';

/**
 * Writes the durations of a route: `timeout` and what else the release makes of it. `timeout` counts from the end of the
 * request, `max_stream_duration` from its beginning; without a timeout both are 0, which is none.
 *
 * `source[field]` is the VirtualService's `timeout`; null when there is none.
 */
export function writeTimeout(
  action: Tree,
  profile: Profile,
  ms: number | null,
  source: { tree: Tree; field: string } | null,
): void {
  writeFields(action, ms === null || ms === 0 ? profile.noTimeout : profile.timeout, ms ?? 0);
  if (source === null) return;
  for (const name of ['timeout', 'max_grpc_timeout', 'max_stream_duration']) {
    if (action[name] !== undefined) comesFrom(action, name, source.tree, source.field);
  }
  const duration = action['max_stream_duration'];
  if (typeof duration !== 'object' || duration === null) return;
  for (const name of Object.keys(duration)) comesFrom(duration, name, source.tree, source.field);
}

/** Writes the durations of an inbound route, which has no timeout. */
export function writeInboundTimeout(action: Tree, profile: Profile): void {
  writeFields(action, profile.inbound, 0);
}

function writeFields(action: Tree, fields: TimeoutFields, ms: number): void {
  const text = (value: FieldValue) => formatDuration(value === 'route' ? ms : 0);
  action['timeout'] = formatDuration(ms);
  if (fields.maxGrpcTimeout !== 'absent') action['max_grpc_timeout'] = text(fields.maxGrpcTimeout);
  if (fields.maxStreamDuration === 'absent' && fields.grpcTimeoutHeaderMax === 'absent') return;
  const duration: Tree = {};
  if (fields.maxStreamDuration !== 'absent') duration['max_stream_duration'] = text(fields.maxStreamDuration);
  if (fields.grpcTimeoutHeaderMax !== 'absent') duration['grpc_timeout_header_max'] = text(fields.grpcTimeoutHeaderMax);
  action['max_stream_duration'] = duration;
}
