import { addressFault } from './address.js';
import type { Checks, Report } from './check.js';
import { regexFault } from './regex.js';
import type { HeaderMutationRule, HeaderValueOption, RouteConfiguration } from './types.js';

export const ROUTE_CHECKS: Checks = {
  RegexMatcher(matcher, report) {
    const fault = regexFault(matcher.regex);
    if (fault !== null) report(matcher, 'regex', `RE2 refuses the expression: ${fault}`, 'the syntax of RE2');
  },

  StringMatcher(matcher, report) {
    if (matcher.ignore_case && matcher.safe_regex !== undefined) {
      report(matcher, 'ignore_case', 'ignore_case has no effect for safe_regex', '(?i) in the expression');
    }
  },

  RouteConfiguration(config, report) {
    checkDomains(config, report);
    checkHeaderRules(config, report);
  },

  VirtualHost(host, report) {
    checkHeaderRules(host, report);
  },

  VirtualCluster(cluster, report) {
    if (cluster.headers.length === 0)
      report(cluster, 'headers', 'a virtual cluster needs headers', 'at least one matcher');
  },

  Route(route, report) {
    checkHeaderRules(route, report);
  },

  RouteAction(action, report) {
    const rewrites = (['prefix_rewrite', 'regex_rewrite', 'path_rewrite_policy', 'path_rewrite'] as const).filter(
      (name) => Boolean(action[name]),
    );
    if (rewrites.length > 1) {
      report(action, rewrites[1], `${rewrites[1]} and ${rewrites[0]} exclude each other`, 'one rewrite of the path');
    }
    const upgrades = new Set<string>();
    for (const upgrade of action.upgrade_configs) {
      const type = upgrade.upgrade_type.toLowerCase();
      if (upgrades.has(type)) report(upgrade, 'upgrade_type', `the upgrade ${upgrade.upgrade_type} is repeated`);
      upgrades.add(type);
      if (upgrade.connect_config !== undefined && type !== 'connect' && type !== 'connect-udp') {
        report(upgrade, 'connect_config', `the upgrade ${upgrade.upgrade_type} takes no connect_config`, 'CONNECT');
      }
    }
  },

  WeightedCluster(weighted, report) {
    let sum = 0;
    for (const entry of weighted.clusters) {
      if (entry.weight === undefined) report(entry, 'weight', 'weight is missing', 'a whole number');
      if ((entry.name === '') === (entry.cluster_header === '')) {
        report(entry, 'name', 'a weighted cluster is named once', 'either name or cluster_header');
      }
      sum += entry.weight ?? 0;
    }
    if (sum === 0) report(weighted, 'clusters', 'the sum of the weights is 0', 'more than 0');
    if (sum > 4294967295) report(weighted, 'clusters', `the sum of the weights is ${sum}`, 'at most 4294967295');
  },

  ClusterWeight(entry, report) {
    checkHeaderRules(entry, report);
  },

  RetryBackOff(backOff, report) {
    const { base_interval, max_interval } = backOff;
    if (base_interval === undefined || max_interval === undefined || max_interval >= base_interval) return;
    report(backOff, 'max_interval', 'max_interval is less than base_interval', 'at least base_interval');
  },

  RequestMirrorPolicy(policy, report) {
    if ((policy.cluster === '') === (policy.cluster_header === '')) {
      report(policy, 'cluster', 'a mirror names its cluster once', 'either cluster or cluster_header');
    }
    checkMutations(policy.request_headers_mutations, report);
  },

  HeaderValueOption(option, report) {
    if (option.append !== undefined && option.append_action !== 'APPEND_IF_EXISTS_OR_ADD') {
      report(option, 'append', 'append and append_action exclude each other', 'append_action alone');
    }
  },

  CidrRange(range, report) {
    const fault = addressFault(range.address_prefix);
    if (fault !== null) report(range, 'address_prefix', fault, 'an IPv4 or IPv6 address');
  },

  HeaderValue(header, report) {
    if (header.value !== '' && header.raw_value !== '') {
      report(header, 'raw_value', 'value and raw_value exclude each other', 'one of value, raw_value');
    }
  },
};

/** Domains are compared without case; `*` may stand once in the whole configuration. */
function checkDomains(config: RouteConfiguration, report: Report): void {
  const seen = new Map<string, string>();
  for (const host of config.virtual_hosts) {
    for (let i = 0; i < host.domains.length; i++) {
      const domain = host.domains[i].toLowerCase();
      const other = seen.get(domain);
      if (other !== undefined) {
        const reason =
          domain === '*'
            ? `the domain * stands in virtual host ${other} already`
            : `the domain ${host.domains[i]} is repeated; it stands in virtual host ${other} already`;
        report(host.domains, String(i) as never, reason, 'every domain once in a route configuration');
      } else seen.set(domain, host.name);
    }
  }
}

/** As header rules, for a list of mutations: removing is not restricted. */
export function checkMutations(rules: readonly HeaderMutationRule[], report: Report): void {
  for (const { append } of rules) if (append !== undefined) checkAdded(append, report);
}

function checkAdded(option: HeaderValueOption, report: Report): void {
  if (fixed(option.header.key)) report(option.header, 'key', ':-prefixed or host headers may not be modified');
}

/** Headers that are added outside a route. */
export function checkAddedHeaders(options: readonly HeaderValueOption[], report: Report): void {
  for (const option of options) checkAdded(option, report);
}

interface HeaderRules {
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
}

function fixed(name: string): boolean {
  return name.startsWith(':') || name.toLowerCase() === 'host';
}

/** Envoy lets no header rule of a route touch pseudo-headers or host. */
function checkHeaderRules(rules: HeaderRules, report: Report): void {
  checkAddedHeaders(rules.request_headers_to_add, report);
  checkAddedHeaders(rules.response_headers_to_add, report);
  for (const list of [rules.request_headers_to_remove, rules.response_headers_to_remove]) {
    for (let i = 0; i < list.length; i++) {
      if (fixed(list[i])) report(list, String(i) as never, ':-prefixed or host headers may not be removed');
    }
  }
}
