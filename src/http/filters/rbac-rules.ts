import type { RequestHeaders } from '../../base/headers.js';
import { ipOf, portOf } from '../../observe/format-operators.js';
import type { StreamInfo } from '../../observe/stream-info.js';
import { compileHeaderMatcher } from '../../router/header-matcher.js';
import { compileStringMatcher } from '../../router/string-matcher.js';
import { unsupported } from '../../xds/decode.js';
import type {
  CidrRange,
  PathMatcher,
  RbacAuthenticated,
  RbacPermission,
  RbacPrincipal,
  RbacRules,
} from '../../xds/types.js';
import type { FilterDeps } from './deps.js';

/** A permission or a principal, compiled. */
type Condition = (headers: RequestHeaders, info: StreamInfo) => boolean;

interface NamedPolicy {
  readonly name: string;
  readonly permissions: readonly Condition[];
  readonly principals: readonly Condition[];
}

/** What the rules say to a request. */
export interface Verdict {
  readonly allowed: boolean;
  /** Name of the policy that matched, '' when none did. */
  readonly policy: string;
}

function any(conditions: readonly Condition[], headers: RequestHeaders, info: StreamInfo): boolean {
  for (let i = 0; i < conditions.length; i++) if (conditions[i](headers, info)) return true;
  return false;
}

/** `envoy.config.rbac.v3.RBAC`, compiled. Policies are asked in the order of their names. */
export class RuleSet {
  private readonly policies: readonly NamedPolicy[];
  private readonly action: RbacRules['action'];

  /** @throws ConfigError for a rule that is not supported */
  constructor(config: RbacRules, deps: FilterDeps) {
    this.action = config.action;
    const names = Object.keys(config.policies).sort();
    this.policies = names.map((name) => ({
      name,
      permissions: config.policies[name].permissions.map((one) => permission(one, deps)),
      principals: config.policies[name].principals.map((one) => principal(one, deps)),
    }));
  }

  decide(headers: RequestHeaders, info: StreamInfo): Verdict {
    let policy = '';
    for (const one of this.policies)
      if (any(one.permissions, headers, info) && any(one.principals, headers, info)) {
        policy = one.name;
        break;
      }
    const matched = policy !== '';
    return { allowed: this.action === 'LOG' || matched === (this.action === 'ALLOW'), policy };
  }
}

const YES: Condition = () => true;

function both(conditions: readonly Condition[]): Condition {
  return (headers, info) => {
    for (let i = 0; i < conditions.length; i++) if (!conditions[i](headers, info)) return false;
    return true;
  };
}

function permission(config: RbacPermission, deps: FilterDeps): Condition {
  if (config.and_rules !== undefined) return both(config.and_rules.rules.map((one) => permission(one, deps)));
  if (config.or_rules !== undefined) {
    const rules = config.or_rules.rules.map((one) => permission(one, deps));
    return (headers, info) => any(rules, headers, info);
  }
  if (config.any === true) return YES;
  if (config.header !== undefined) return header(config.header);
  if (config.url_path !== undefined) return path(config.url_path);
  if (config.destination_ip !== undefined)
    return address(config.destination_ip, deps, (info) => info.connection.localAddress);
  if (config.destination_port !== undefined) {
    const port = config.destination_port;
    return (_headers, info) => portOf(info.connection.localAddress) === port;
  }
  if (config.destination_port_range !== undefined) {
    const { start, end } = config.destination_port_range;
    return (_headers, info) => {
      const port = portOf(info.connection.localAddress);
      return port !== null && port >= start && port < end;
    };
  }
  if (config.not_rule !== undefined) {
    const rule = permission(config.not_rule, deps);
    return (headers, info) => !rule(headers, info);
  }
  if (config.requested_server_name !== undefined) {
    const matcher = compileStringMatcher(config.requested_server_name);
    return (_headers, info) => matcher.matches(info.connection.requestedServerName);
  }
  return unsupported(
    config,
    config.metadata !== undefined ? 'metadata' : 'sourced_metadata',
    'RBAC rules do not read metadata',
  );
}

function principal(config: RbacPrincipal, deps: FilterDeps): Condition {
  if (config.and_ids !== undefined) return both(config.and_ids.ids.map((one) => principal(one, deps)));
  if (config.or_ids !== undefined) {
    const ids = config.or_ids.ids.map((one) => principal(one, deps));
    return (headers, info) => any(ids, headers, info);
  }
  if (config.any === true) return YES;
  if (config.authenticated !== undefined) return authenticated(config.authenticated);
  const direct = config.direct_remote_ip ?? config.source_ip;
  if (direct !== undefined) return address(direct, deps, (info) => info.connection.remoteAddress);
  if (config.remote_ip !== undefined) return address(config.remote_ip, deps, (info) => info.downstreamRemoteAddress);
  if (config.header !== undefined) return header(config.header);
  if (config.url_path !== undefined) return path(config.url_path);
  if (config.not_id !== undefined) {
    const id = principal(config.not_id, deps);
    return (headers, info) => !id(headers, info);
  }
  return unsupported(
    config,
    config.metadata !== undefined ? 'metadata' : 'sourced_metadata',
    'RBAC principals do not read metadata',
  );
}

function header(config: Parameters<typeof compileHeaderMatcher>[0]): Condition {
  const matcher = compileHeaderMatcher(config);
  return (headers) => matcher.matches(headers);
}

/** The path without query and fragment. */
function path(config: PathMatcher): Condition {
  const matcher = compileStringMatcher(config.path!);
  return (headers) => {
    const whole = headers.path;
    if (whole === undefined) return false;
    let end = 0;
    while (end < whole.length && whole[end] !== '?' && whole[end] !== '#') end++;
    return matcher.matches(whole.slice(0, end));
  };
}

function address(range: CidrRange, deps: FilterDeps, read: (info: StreamInfo) => string): Condition {
  const matches = deps.cidr([range]);
  return (_headers, info) => {
    const ip = ipOf(read(info));
    return ip !== null && matches(ip);
  };
}

/** A client certificate was shown; its URI, DNS name or subject matches: URIs first, DNS names when there is none. */
function authenticated(config: RbacAuthenticated): Condition {
  const matcher = config.principal_name === undefined ? null : compileStringMatcher(config.principal_name);
  return (_headers, info) => {
    const tls = info.connection.tlsInfo;
    if (tls === undefined || tls === null) return false;
    if (matcher === null) return true;
    const matches = (name: string) => matcher.matches(name);
    if (tls.peerUriSans.length > 0) return tls.peerUriSans.some(matches);
    if (tls.peerDnsSans.length > 0) return tls.peerDnsSans.some(matches);
    return matches(tls.peerSubject);
  };
}
