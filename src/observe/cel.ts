import { RE2JS } from 're2js';
import { type Node, parseCel } from '../base/cel-parser.js';
import { headerName } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import { requestBytes, responseBytes } from './format-headers.js';
import { ipOf, portOf } from './format-operators.js';
import { grpcStatus } from './grpc-status.js';
import type { StreamInfo } from './stream-info.js';

/**
 * Expressions that choose log lines (`envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter`, Istio's
 * `Telemetry.accessLogging.filter.expression`). As in Envoy a missing attribute is an error, an error is absorbed by the
 * other side of `||` or `&&` if that decides, and a line is written only when the result is `true`.
 */
type Plain = string | number | boolean | null;
type HeaderLookup = (name: string) => string | undefined;
type Value = Plain | readonly Value[] | HeaderLookup | typeof MISSING;
type Evaluate = (info: StreamInfo) => Value;

const MISSING = Symbol('missing');
const or = <T extends Plain>(value: T | undefined | null): T | typeof MISSING => value ?? MISSING;

function requestLookup(headers: RequestHeaders | null): HeaderLookup | typeof MISSING {
  if (headers === null) return MISSING;
  return (name) => {
    switch (name) {
      case ':method':
        return headers.method;
      case ':path':
        return headers.path;
      case ':authority':
      case 'host':
        return headers.authority;
      case ':scheme':
        return headers.scheme;
      default:
        return headers.get(headerName(name));
    }
  };
}

function responseLookup(headers: ResponseHeaders | null): HeaderLookup | typeof MISSING {
  if (headers === null) return MISSING;
  return (name) => (name === ':status' ? String(headers.status) : headers.get(headerName(name)));
}

const withoutQuery = (path: string | undefined) => path?.split('?', 1)[0];
const queryOf = (path: string | undefined) =>
  path === undefined ? undefined : path.slice(path.indexOf('?') + 1 || path.length);

/** Every attribute that can be named. */
const ATTRIBUTES: Record<string, Evaluate> = {
  'request.method': (info) => or(info.requestHeaders?.method),
  'request.path': (info) => or(info.requestHeaders?.path),
  'request.url_path': (info) => or(withoutQuery(info.requestHeaders?.path)),
  'request.query': (info) => or(queryOf(info.requestHeaders?.path)),
  'request.host': (info) => or(info.requestHeaders?.authority),
  'request.scheme': (info) => or(info.requestHeaders?.scheme),
  'request.useragent': (info) => or(info.requestHeaders?.get(headerName('user-agent'))),
  'request.referer': (info) => or(info.requestHeaders?.get(headerName('referer'))),
  'request.id': (info) => or(info.requestHeaders?.get(headerName('x-request-id'))),
  'request.protocol': (info) => info.protocol,
  'request.size': (info) => info.bytesReceived,
  'request.total_size': (info) => info.bytesReceived + requestBytes(info.requestHeaders),
  'request.duration': (info) => (info.end < 0 ? MISSING : info.end - info.start),
  'request.headers': (info) => requestLookup(info.requestHeaders),
  'response.code': (info) => info.responseCode,
  'response.code_details': (info) => or(info.details === '' ? null : info.details),
  'response.size': (info) => info.bytesSent,
  'response.total_size': (info) => info.bytesSent + responseBytes(info.responseHeaders),
  'response.grpc_status': (info) => or(grpcStatus(info)),
  'response.headers': (info) => responseLookup(info.responseHeaders),
  'connection.mtls': (info) => (info.connection.tlsInfo?.peerSubject ?? '') !== '',
  'connection.requested_server_name': (info) => info.connection.requestedServerName,
  'source.address': (info) => info.downstreamRemoteAddress,
  'source.port': (info) => or(portOf(info.downstreamRemoteAddress)),
  'destination.address': (info) => info.connection.localAddress,
  'destination.port': (info) => or(portOf(info.connection.localAddress)),
  'upstream.address': (info) => or(ipOf(info.upstream?.host ?? '') === null ? null : info.upstream?.host),
  'upstream.port': (info) => or(portOf(info.upstream?.host ?? '')),
  'upstream.local_address': (info) => or(info.upstream?.localAddress || null),
  'upstream.transport_failure_reason': (info) => or(info.upstream?.transportFailureReason),
  'xds.route_name': (info) => or(info.routeName === '' ? null : info.routeName),
  'xds.cluster_name': (info) => or(info.upstreamCluster === '' ? null : info.upstreamCluster),
};

/**
 * Compiles an expression.
 * @throws Error when it cannot be parsed, or names an attribute or function that is not known (with those that are)
 */
export function compileCel(source: string): (info: StreamInfo) => boolean {
  const evaluate = compile(parseCel(source));
  return (info) => evaluate(info) === true;
}

function compile(node: Node): Evaluate {
  switch (node.t) {
    case 'literal':
      return () => node.value;
    case 'list': {
      const items = node.items.map(compile);
      return (info) => items.map((item) => item(info));
    }
    case 'map':
      throw new Error('CEL: a map is not supported here');
    case 'name':
      throw unknownAttribute(node.name);
    case 'select':
      return select(node);
    case 'index':
      return index(compile(node.of), compile(node.key));
    case 'not': {
      const of = compile(node.of);
      return (info) => {
        const value = of(info);
        return typeof value === 'boolean' ? !value : MISSING;
      };
    }
    case 'minus': {
      const of = compile(node.of);
      return (info) => {
        const value = of(info);
        return typeof value === 'number' ? -value : MISSING;
      };
    }
    case 'choice': {
      const [when, yes, no] = [compile(node.when), compile(node.yes), compile(node.no)];
      return (info) => {
        const value = when(info);
        return value === true ? yes(info) : value === false ? no(info) : MISSING;
      };
    }
    case 'call':
      return call(node);
    case 'binary':
      return binary(node.op, compile(node.left), compile(node.right));
  }
}

function unknownAttribute(name: string): Error {
  return new Error(`CEL: attribute ${name} is not supported; allowed: ${Object.keys(ATTRIBUTES).join(', ')}`);
}

function select(node: Node & { t: 'select' }): Evaluate {
  const path = node.of.t === 'name' ? `${node.of.name}.${node.field}` : null;
  const known = path !== null && Object.hasOwn(ATTRIBUTES, path) ? ATTRIBUTES[path] : undefined;
  if (known !== undefined) return known;
  if (path !== null) throw unknownAttribute(path);
  return index(compile(node.of), () => node.field);
}

function index(of: Evaluate, key: Evaluate): Evaluate {
  return (info) => {
    const container = of(info);
    const at = key(info);
    if (typeof container === 'function' && typeof at === 'string') return or(container(at.toLowerCase()));
    if (Array.isArray(container) && typeof at === 'number') return (container as Value[])[at] ?? MISSING;
    return MISSING;
  };
}

const TEXT_FUNCTIONS: Record<string, (text: string, arg: string) => boolean> = {
  startsWith: (text, arg) => text.startsWith(arg),
  endsWith: (text, arg) => text.endsWith(arg),
  contains: (text, arg) => text.includes(arg),
};

function call({ name, target, args }: Node & { t: 'call' }): Evaluate {
  if (target !== null && args.length === 1) {
    const of = compile(target);
    if (name === 'matches') return matches(of, args[0]);
    const test = Object.hasOwn(TEXT_FUNCTIONS, name) ? TEXT_FUNCTIONS[name] : undefined;
    if (test !== undefined) {
      const arg = compile(args[0]);
      return (info) => {
        const [text, with_] = [of(info), arg(info)];
        return typeof text === 'string' && typeof with_ === 'string' ? test(text, with_) : MISSING;
      };
    }
  }
  if (target === null && args.length === 1) {
    if (name === 'has') {
      if (args[0].t !== 'select') throw new Error('CEL: has() argument must be a field selection');
      const of = compile(args[0]);
      return (info) => of(info) !== MISSING;
    }
    const of = compile(args[0]);
    if (name === 'size') {
      return (info) => {
        const value = of(info);
        return typeof value === 'string' || Array.isArray(value) ? value.length : MISSING;
      };
    }
    if (name === 'int') {
      return (info) => {
        const value = of(info);
        const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
        return typeof number === 'number' ? Math.trunc(number) : MISSING;
      };
    }
    if (name === 'duration') {
      const [arg] = args;
      const ms = arg.t === 'literal' && typeof arg.value === 'string' ? durationMs(arg.value) : null;
      if (ms === null) throw new Error("CEL: duration() needs a text such as '1.5s'");
      return () => ms;
    }
  }
  throw new Error(
    `CEL: function ${name} is not supported; allowed: has, size, int, duration, startsWith, endsWith, contains, matches`,
  );
}

function matches(of: Evaluate, pattern: Node): Evaluate {
  if (pattern.t !== 'literal' || typeof pattern.value !== 'string') {
    throw new Error('CEL: matches() needs a literal regular expression');
  }
  const regex = RE2JS.compile(pattern.value);
  return (info) => {
    const value = of(info);
    return typeof value === 'string' ? regex.matcher(value).find() : MISSING;
  };
}

const UNITS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };

/** Go's duration syntax, in ms; null when it is none. */
function durationMs(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return null;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit], 0);
}

function binary(op: string, left: Evaluate, right: Evaluate): Evaluate {
  switch (op) {
    case '||':
      return (info) => {
        const a = left(info);
        if (a === true) return true;
        const b = right(info);
        return b === true ? true : a === false && b === false ? false : MISSING;
      };
    case '&&':
      return (info) => {
        const a = left(info);
        if (a === false) return false;
        const b = right(info);
        return b === false ? false : a === true && b === true ? true : MISSING;
      };
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      throw new Error(`CEL: the operator ${op} is not supported`);
    case 'in':
      return (info) => {
        const [a, b] = [left(info), right(info)];
        if (a === MISSING) return MISSING;
        if (Array.isArray(b)) return b.includes(a);
        return typeof b === 'function' && typeof a === 'string' ? b(a.toLowerCase()) !== undefined : MISSING;
      };
    default:
      return compare(op, left, right);
  }
}

function compare(op: string, left: Evaluate, right: Evaluate): Evaluate {
  return (info) => {
    const [a, b] = [left(info), right(info)];
    // Values of different types cannot be compared.
    if (typeof a !== typeof b || !['string', 'number', 'boolean'].includes(typeof a)) return MISSING;
    return related(op, a as Plain, b as Plain);
  };
}

function related(op: string, a: Plain, b: Plain): boolean {
  switch (op) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a! < b!;
    case '<=':
      return a! <= b!;
    case '>':
      return a! > b!;
    default:
      return a! >= b!;
  }
}
