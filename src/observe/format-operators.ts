import { flagsLongText, flagsText } from './flags.js';
import { requestBytes, requestHeader, responseBytes, responseHeader, responseTrailer } from './format-headers.js';
import type { Command } from './format-parser.js';
import { pathOperators } from './format-path.js';
import { compileTime, DEFAULT_LOCAL_TIME, DEFAULT_TIME } from './format-time.js';
import { tlsOperators } from './format-tls.js';
import {
  cut,
  type Definition,
  type Operator,
  type OperatorOptions,
  plain,
  some,
  underscored,
  type Value,
} from './format-types.js';
import { grpcCamel, grpcSnake, grpcStatus, isGrpcRequest } from './grpc-status.js';
import type { FilterMetadata, StreamInfo, UpstreamInfo } from './stream-info.js';

const upstream = (read: (up: UpstreamInfo) => Value): Definition =>
  plain((info) => (info.upstream === null ? null : read(info.upstream)));

/** `ip` of `ip:port`, without the brackets of IPv6. */
export function ipOf(address: string): string | null {
  if (address === '') return null;
  if (address.startsWith('[')) return address.slice(1, address.indexOf(']'));
  const colon = address.lastIndexOf(':');
  return colon < 0 || address.indexOf(':') !== colon ? address : address.slice(0, colon);
}

export function portOf(address: string): number | null {
  const colon = address.lastIndexOf(':');
  if (colon < 0 || (!address.startsWith('[') && address.indexOf(':') !== colon)) return null;
  return Number(address.slice(colon + 1));
}

/** An address in three operators: whole, without port, port only. */
function address(name: string, port: string, read: (info: StreamInfo) => string): Record<string, Definition> {
  return {
    [name]: plain((info) => some(read(info))),
    [`${name}_WITHOUT_PORT`]: plain((info) => ipOf(read(info))),
    [port]: plain((info) => portOf(read(info))),
  };
}

/** Whole milliseconds from `from` to `to`; null while either has not happened or the order is wrong. */
function between(from: number, to: number): number | null {
  return from < 0 || to < from ? null : Math.floor(to - from);
}

const POINTS: Record<string, (info: StreamInfo) => number> = {
  DS_RX_BEG: (info) => info.start,
  DS_RX_END: (info) => info.requestEnd,
  US_CX_BEG: (info) => info.upstream?.connectStart ?? -1,
  US_CX_END: (info) => info.upstream?.connectEnd ?? -1,
  US_TX_BEG: (info) => info.upstream?.firstTx ?? -1,
  US_TX_END: (info) => info.upstream?.lastTx ?? -1,
  US_RX_BEG: (info) => info.upstream?.firstRx ?? -1,
  US_RX_END: (info) => info.upstream?.lastRx ?? -1,
  DS_TX_BEG: (info) => info.firstDownstreamTx,
  DS_TX_END: (info) => info.lastDownstreamTx,
};
const UNITS: Record<string, number> = { ms: 1, us: 1e3, ns: 1e6 };

function commonDuration(param: string): Operator {
  const [fromName, toName, unit = 'ms', ...rest] = param.split(':');
  if (toName === undefined || rest.length > 0) {
    throw new Error(`Invalid common duration configuration: ${param}. Expected START:END or START:END:PRECISION`);
  }
  const scale = UNITS[unit];
  if (scale === undefined) throw new Error(`Invalid common duration precision: ${unit}. Allowed: ms, us, ns`);
  const point = (name: string) => {
    const read = POINTS[name];
    if (read === undefined) {
      throw new Error(`COMMON_DURATION: unknown time point ${name}; allowed: ${Object.keys(POINTS).join(', ')}`);
    }
    return read;
  };
  const from = point(fromName);
  const to = point(toName);
  return (info) => {
    const begin = from(info);
    const end = to(info);
    return begin < 0 || end < begin ? null : Math.floor((end - begin) * scale);
  };
}

function time(local: boolean, emit: boolean): Definition {
  return {
    param: 'optional',
    length: false,
    make(param, _length, { deps }) {
      const format = compileTime(param === '' ? (local ? DEFAULT_LOCAL_TIME : DEFAULT_TIME) : param, local);
      const { clock } = deps;
      return emit ? () => format(clock.wall()) : (info) => format(info.startWall);
    },
  };
}

function header(make: (param: string) => (info: StreamInfo) => string | undefined): Definition {
  return {
    param: 'required',
    length: true,
    make(param, length) {
      const read = make(param);
      return (info) => {
        const value = read(info);
        return value === undefined ? null : cut(value, length);
      };
    },
  };
}

function metadata(read: (info: StreamInfo) => FilterMetadata | null | undefined, length: boolean): Definition {
  return {
    param: 'required',
    length,
    make(param, limit) {
      const keys = param.split(':');
      return (info) => {
        let at: unknown = read(info);
        for (let i = 0; i < keys.length; i++) {
          if (typeof at !== 'object' || at === null) return null;
          at = (at as Record<string, unknown>)[keys[i]];
        }
        if (at === undefined || at === null) return null;
        return typeof at === 'string' ? cut(at, limit) : (at as Value);
      };
    },
  };
}

const METADATA_TYPES: Record<string, Definition> = {
  DYNAMIC: metadata((info) => info.dynamicMetadata, false),
  CLUSTER: metadata((info) => info.clusterMetadata, false),
  ROUTE: metadata((info) => info.routeMetadata, false),
  UPSTREAM_HOST: metadata((info) => info.upstream?.hostMetadata, false),
};

/** Filter state: of the filters here only grpc_stats sets any. */
const FILTER_STATE: Definition = {
  param: 'required',
  length: true,
  make(param) {
    const [key, kind] = param.split(':');
    if (kind !== undefined && !['PLAIN', 'TYPED', 'FIELD'].includes(kind)) {
      throw new Error('Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.');
    }
    if (key !== 'envoy.filters.http.grpc_stats' || kind === 'FIELD') return () => null;
    return ({ grpcMessages: counts }) => {
      if (counts === undefined) return null;
      if (kind === 'PLAIN') return `${counts.request},${counts.response}`;
      // Numbers of 64 bits are texts in proto3 JSON, zeros are left out.
      const typed: Record<string, string> = {};
      if (counts.request > 0) typed.requestMessageCount = String(counts.request);
      if (counts.response > 0) typed.responseMessageCount = String(counts.response);
      return typed;
    };
  },
};

function grpc(param: string): Operator {
  const text = param === '' || param === 'CAMEL_STRING' ? grpcCamel : param === 'SNAKE_STRING' ? grpcSnake : null;
  if (text === null && param !== 'NUMBER') {
    throw new Error(`GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: ${param}`);
  }
  return (info) => {
    const status = isGrpcRequest(info) ? grpcStatus(info) : null;
    return status === null || text === null ? status : text(status);
  };
}

const OPERATORS: Record<string, Definition> = {
  REQ: header(requestHeader),
  REQUEST_HEADER: header(requestHeader),
  RESP: header(responseHeader),
  RESPONSE_HEADER: header(responseHeader),
  TRAILER: header(responseTrailer),
  RESPONSE_TRAILER: header(responseTrailer),
  START_TIME: time(false, false),
  START_TIME_LOCAL: time(true, false),
  EMIT_TIME: time(false, true),
  EMIT_TIME_LOCAL: time(true, true),
  DURATION: {
    param: 'none',
    length: false,
    make: (_param, _length, { deps: { clock } }) => {
      return (info) => Math.max(0, Math.floor((info.end < 0 ? clock.monotonic() : info.end) - info.start));
    },
  },
  REQUEST_DURATION: plain((info) => between(info.start, info.requestEnd)),
  REQUEST_TX_DURATION: upstreamDuration((info, up) => between(info.start, up.lastTx)),
  RESPONSE_DURATION: upstreamDuration((info, up) => between(info.start, up.firstRx)),
  RESPONSE_TX_DURATION: upstreamDuration((info, up) => between(up.firstRx, info.lastDownstreamTx)),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: upstreamDuration((_info, up) => between(up.poolStart, up.poolReady)),
  COMMON_DURATION: { param: 'required', length: false, make: (param) => commonDuration(param) },
  RESPONSE_CODE: plain((info) => info.responseCode),
  RESPONSE_CODE_DETAILS: {
    param: 'optional',
    length: false,
    make: (param) =>
      param === 'ALLOW_WHITESPACES' ? (info) => some(info.details) : (info) => some(underscored(info.details)),
  },
  CONNECTION_TERMINATION_DETAILS: plain((info) => some(info.connection.terminationDetails ?? '')),
  RESPONSE_FLAGS: plain((info) => flagsText(info.flags)),
  RESPONSE_FLAGS_LONG: plain((info) => flagsLongText(info.flags)),
  CUSTOM_FLAGS: plain(() => ''),
  BYTES_RECEIVED: plain((info) => info.bytesReceived),
  BYTES_SENT: plain((info) => info.bytesSent),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: plain((info) => info.downstreamBytes?.wireReceived ?? 0),
  DOWNSTREAM_WIRE_BYTES_SENT: plain((info) => info.downstreamBytes?.wireSent ?? 0),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: plain((info) => info.downstreamBytes?.headerReceived ?? 0),
  DOWNSTREAM_HEADER_BYTES_SENT: plain((info) => info.downstreamBytes?.headerSent ?? 0),
  UPSTREAM_WIRE_BYTES_RECEIVED: plain((info) => info.upstream?.bytes?.wireReceived ?? 0),
  UPSTREAM_WIRE_BYTES_SENT: plain((info) => info.upstream?.bytes?.wireSent ?? 0),
  UPSTREAM_HEADER_BYTES_RECEIVED: plain((info) => info.upstream?.bytes?.headerReceived ?? 0),
  UPSTREAM_HEADER_BYTES_SENT: plain((info) => info.upstream?.bytes?.headerSent ?? 0),
  REQUEST_HEADERS_BYTES: plain((info) => requestBytes(info.requestHeaders)),
  RESPONSE_HEADERS_BYTES: plain((info) => responseBytes(info.responseHeaders)),
  RESPONSE_TRAILERS_BYTES: plain((info) => info.responseTrailers?.byteSize() ?? 0),
  PROTOCOL: plain((info) => some(info.protocol)),
  UPSTREAM_PROTOCOL: upstream((up) => some(up.protocol)),
  ROUTE_NAME: plain((info) => some(info.routeName)),
  UPSTREAM_CLUSTER: plain((info) => some(info.upstreamClusterAltName || info.upstreamCluster)),
  UPSTREAM_CLUSTER_RAW: plain((info) => some(info.upstreamCluster)),
  VIRTUAL_CLUSTER_NAME: plain((info) => some(info.virtualCluster)),
  FILTER_CHAIN_NAME: plain((info) => some(info.filterChainName)),
  REQUESTED_SERVER_NAME: {
    param: 'optional',
    length: false,
    make: (param) => {
      const sni = (info: StreamInfo) => some(info.connection.requestedServerName);
      const host = (info: StreamInfo) => some(info.requestHeaders?.authority ?? '');
      if (param === '' || param === 'SNI_ONLY') return sni;
      if (param === 'SNI_FIRST') return (info) => sni(info) ?? host(info);
      if (param === 'HOST_FIRST') return (info) => host(info) ?? sni(info);
      throw new Error(
        `Invalid REQUESTED_SERVER_NAME option: '${param}', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed`,
      );
    },
  },
  UPSTREAM_HOST: upstream((up) => some(up.host)),
  UPSTREAM_HOST_NAME: upstream((up) => some(up.hostname || up.host)),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: upstream((up) => ipOf(up.hostname || up.host)),
  UPSTREAM_CONNECTION_ID: plain((info) => Math.max(0, info.upstream?.connectionId ?? 0)),
  UPSTREAM_TRANSPORT_FAILURE_REASON: upstream((up) => some(underscored(up.transportFailureReason))),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: {
    param: 'none',
    length: false,
    make: () => (info, type) => (type.startsWith('Upstream') ? 0 : info.attemptCount),
  },
  ...address('UPSTREAM_LOCAL_ADDRESS', 'UPSTREAM_LOCAL_PORT', (info) => info.upstream?.localAddress ?? ''),
  ...address('UPSTREAM_REMOTE_ADDRESS', 'UPSTREAM_REMOTE_PORT', (info) => info.upstream?.remoteAddress ?? ''),
  ...address('DOWNSTREAM_REMOTE_ADDRESS', 'DOWNSTREAM_REMOTE_PORT', (info) => info.downstreamRemoteAddress),
  ...address(
    'DOWNSTREAM_DIRECT_REMOTE_ADDRESS',
    'DOWNSTREAM_DIRECT_REMOTE_PORT',
    (info) => info.connection.remoteAddress,
  ),
  ...address('DOWNSTREAM_LOCAL_ADDRESS', 'DOWNSTREAM_LOCAL_PORT', (info) => info.connection.localAddress),
  CONNECTION_ID: plain((info) => info.connection.id),
  STREAM_ID: plain((info) => some(info.streamId)),
  UNIQUE_ID: {
    param: 'none',
    length: false,
    make:
      (_param, _length, { deps }) =>
      () =>
        deps.random.uuid(),
  },
  TRACE_ID: plain((info) => some(info.traceId ?? '')),
  SPAN_ID: plain((info) => some(info.spanId ?? '')),
  HOSTNAME: {
    param: 'none',
    length: false,
    make:
      (_param, _length, { deps }) =>
      () =>
        deps.hostname,
  },
  ENVIRONMENT: {
    param: 'required',
    length: true,
    make(param, length, { deps }) {
      const value = deps.env[param];
      // Unset prints `-` even where other missing values print nothing.
      const text = value === undefined ? '-' : cut(Buffer.from(value).toString('latin1'), length);
      return () => text;
    },
  },
  ...pathOperators,
  GRPC_STATUS: { param: 'optional', length: false, make: (param) => grpc(param) },
  GRPC_STATUS_NUMBER: { param: 'none', length: false, make: () => grpc('NUMBER') },
  ACCESS_LOG_TYPE: plain((_info, type) => type),
  LOCAL_REPLY_BODY: {
    param: 'none',
    length: false,
    make: (_param, _length, { localReplyBody }) => (localReplyBody ? (info) => info.localReplyBody : () => ''),
  },
  DYNAMIC_METADATA: metadata((info) => info.dynamicMetadata, true),
  CLUSTER_METADATA: metadata((info) => info.clusterMetadata, false),
  UPSTREAM_METADATA: metadata((info) => info.upstream?.hostMetadata, false),
  METADATA: {
    param: 'required',
    length: false,
    make(param, length, options) {
      const [kind, ...keys] = param.split(':');
      const definition = METADATA_TYPES[kind];
      if (definition === undefined) {
        throw new Error(
          `${kind} is not supported type of metadata; allowed: ${Object.keys(METADATA_TYPES).join(', ')}`,
        );
      }
      return definition.make(keys.join(':'), length, options);
    },
  },
  FILTER_STATE,
  UPSTREAM_FILTER_STATE: FILTER_STATE,
  ...tlsOperators,
};

function upstreamDuration(read: (info: StreamInfo, up: UpstreamInfo) => Value): Definition {
  return plain((info) => (info.upstream === null ? null : read(info, info.upstream)));
}

/** Names of all operators, for error messages and the documentation. */
export const OPERATOR_NAMES: readonly string[] = [...Object.keys(OPERATORS), 'COALESCE'].sort();

/**
 * The operator of one command.
 * @throws Error in Envoy's words; for an unknown name with the list of those that are known
 */
export function compileOperator(command: Command, options: OperatorOptions): Operator {
  const { name, param = '', length } = command;
  if (name === 'COALESCE') return coalesce(param, options);
  const definition = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (definition === undefined) {
    throw new Error(`Not supported field in StreamInfo: ${name}; allowed: ${OPERATOR_NAMES.join(', ')}`);
  }
  if (definition.param === 'none' && (command.param !== undefined || length !== undefined)) {
    throw new Error(`${name} does not take any parameters or length`);
  }
  if (definition.param === 'required' && param === '') throw new Error(`${name} requires parameters`);
  if (length !== undefined && !definition.length) throw new Error(`${name} does not allow length to be specified.`);
  if (param.includes('\n')) throw new Error('Invalid header configuration. Format string contains newline.');
  return definition.make(param, length, options);
}

/** `%COALESCE({"operators": ["NAME", {"command": "REQ", "param": "A", "max_length": 3}]})%`: the first that is not missing. */
function coalesce(param: string, options: OperatorOptions): Operator {
  let parsed: unknown;
  try {
    parsed = JSON.parse(param);
  } catch (error) {
    throw new Error(`COALESCE: ${(error as Error).message}`);
  }
  const list = (parsed as { operators?: unknown } | null)?.operators;
  if (!Array.isArray(list)) throw new Error("COALESCE: JSON configuration must contain 'operators' array");
  const operators = list.map((entry: unknown, at) => {
    try {
      return compileOperator(coalesceEntry(entry), options);
    } catch (error) {
      throw new Error(`COALESCE: failed to parse operator at index ${at}: ${(error as Error).message}`);
    }
  });
  return (info, type) => {
    for (let i = 0; i < operators.length; i++) {
      const value = operators[i](info, type);
      if (value !== null) return value;
    }
    return null;
  };
}

function coalesceEntry(entry: unknown): Command {
  if (typeof entry === 'string') return { name: entry, param: undefined, length: undefined };
  if (typeof entry === 'object' && entry !== null) {
    const { command, param, max_length: length } = entry as Record<string, unknown>;
    if (
      typeof command === 'string' &&
      (param === undefined || typeof param === 'string') &&
      (length === undefined || typeof length === 'number')
    ) {
      return { name: command, param, length };
    }
  }
  throw new Error(`expected a name or {"command", "param", "max_length"}, got ${JSON.stringify(entry)}`);
}
