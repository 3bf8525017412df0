import { addressFault } from './address.js';
import type { Checks, Report } from './check.js';
import { checkAddedHeaders } from './check-route.js';
import { isType } from './type-url.js';
import type { FilterChainMatch, HttpConnectionManager, HttpFilter, Listener } from './types.js';

const ENABLE_PUSH = 2;
const ENABLE_CONNECT_PROTOCOL = 8;
const NAMED_SETTINGS: Record<number, 'hpack_table_size' | 'max_concurrent_streams' | 'initial_stream_window_size'> = {
  1: 'hpack_table_size',
  3: 'max_concurrent_streams',
  4: 'initial_stream_window_size',
};

export const LISTENER_CHECKS: Checks = {
  Listener(listener, report) {
    const socket = listener.address?.socket_address;
    if (listener.address === undefined) report(listener, 'address', 'address is missing', 'socket_address or pipe');
    else if (socket !== undefined) {
      const fault = addressFault(socket.address);
      if (fault !== null) report(socket, 'address', fault, 'an IP address');
      if (socket.named_port !== undefined) report(socket, 'named_port', 'ports cannot be named', 'port_value');
    }
    if (listener.filter_chains.length === 0 && listener.default_filter_chain === undefined) {
      report(listener, 'filter_chains', 'no filter chain is given', 'at least one filter chain');
    }
    for (const additional of listener.additional_addresses) {
      if (additional.address === undefined)
        report(additional, 'address', 'address is missing', 'socket_address or pipe');
    }
    checkMatches(listener, report);
  },

  FilterChain(chain, report) {
    const socket = chain.transport_socket;
    if (socket !== undefined && isType(socket.typed_config, 'UpstreamTlsContext')) {
      report(socket, 'typed_config', 'UpstreamTlsContext is for clusters', 'DownstreamTlsContext or RawBuffer');
    }
    for (let i = 0; i < chain.filters.length; i++) {
      const filter = chain.filters[i];
      const terminal = !isType(filter.typed_config, 'NetworkRbacFilter');
      const last = i === chain.filters.length - 1;
      if (terminal && !last) report(filter, 'name', `the filter ${filter.name} must be the last of its chain`);
      else if (!terminal && last) {
        report(
          filter,
          'name',
          `the filter ${filter.name} cannot be the last of its chain`,
          'HttpConnectionManager or TcpProxy',
        );
      }
    }
  },

  HttpConnectionManager(manager, report) {
    checkHttpFilters(manager, 'http_filters', manager.http_filters, report);
    checkUpgrades(manager, report);
    if (manager.strip_matching_host_port && manager.strip_any_host_port) {
      report(manager, 'strip_any_host_port', 'strip_matching_host_port and strip_any_host_port exclude each other');
    }
    if (manager.xff_num_trusted_hops > 0 && manager.original_ip_detection_extensions.length > 0) {
      report(
        manager,
        'xff_num_trusted_hops',
        'original_ip_detection_extensions and xff_num_trusted_hops exclude each other',
      );
    }
    if (manager.use_remote_address && manager.original_ip_detection_extensions.length > 0) {
      report(
        manager,
        'use_remote_address',
        'original_ip_detection_extensions and use_remote_address exclude each other',
      );
    }
  },

  Http2ProtocolOptions(options, report) {
    const values = new Map<number, number>();
    for (const parameter of options.custom_settings_parameters) {
      const { identifier, value } = parameter;
      const field = NAMED_SETTINGS[identifier];
      if (identifier === ENABLE_CONNECT_PROTOCOL) {
        report(parameter, 'identifier', 'the setting 8 (ENABLE_CONNECT_PROTOCOL) has a field', 'allow_connect');
      } else if (field !== undefined && options[field] !== undefined) {
        report(parameter, 'identifier', `the setting ${identifier} is given by ${field} as well`, 'one of them');
      } else if (identifier === ENABLE_PUSH && value !== 0) {
        report(parameter, 'value', 'server push is not supported', '0');
      }
      const other = values.get(identifier);
      if (other !== undefined && other !== value) {
        report(parameter, 'value', `the setting ${identifier} is given twice, with different values`, 'one value');
      }
      values.set(identifier, value);
    }
  },

  ResponseMapper(mapper, report) {
    checkAddedHeaders(mapper.headers_to_add, report);
  },

  XffConfig(config, report) {
    if (config.xff_num_trusted_hops > 0 && config.xff_trusted_cidrs !== undefined) {
      report(config, 'xff_trusted_cidrs', 'xff_num_trusted_hops and xff_trusted_cidrs exclude each other');
    }
  },
};

function checkHttpFilters<T extends object>(
  owner: T,
  field: keyof T & string,
  filters: HttpFilter[],
  report: Report,
): void {
  if (filters.length === 0) {
    report(owner, field, 'there is no HTTP filter', 'a list whose last filter is the router');
    return;
  }
  for (let i = 0; i < filters.length; i++) {
    const filter = filters[i];
    const last = i === filters.length - 1;
    if (filter.typed_config === undefined) {
      report(filter, 'typed_config', `the filter ${filter.name} has no typed_config`, "a mapping with '@type'");
    } else if (isType(filter.typed_config, 'Router') !== last) {
      const reason = last
        ? `the last filter is ${filter.name}`
        : `the router (filter ${filter.name}) is not the last filter`;
      report(filter, 'name', reason, 'the router as last filter');
    } else if (last && filter.disabled) report(filter, 'disabled', 'the last filter cannot be disabled');
  }
}

function checkUpgrades(manager: HttpConnectionManager, report: Report): void {
  const seen = new Set<string>();
  for (const upgrade of manager.upgrade_configs) {
    const type = upgrade.upgrade_type.toLowerCase();
    if (seen.has(type)) report(upgrade, 'upgrade_type', `the upgrade ${upgrade.upgrade_type} is repeated`);
    seen.add(type);
    if (upgrade.filters.length > 0) checkHttpFilters(upgrade, 'filters', upgrade.filters, report);
  }
}

function checkMatches(listener: Listener, report: Report): void {
  const seen = new Map<string, string>();
  for (const chain of listener.filter_chains) {
    const match: FilterChainMatch | undefined = chain.filter_chain_match;
    for (const name of match?.server_names ?? []) {
      if (name.lastIndexOf('*') > 0 || (name.startsWith('*') && name !== '*' && !name.startsWith('*.'))) {
        report(match!, 'server_names', `partial wildcards are not supported: ${name}`, 'names and *.suffix');
      }
    }
    const text = match === undefined ? '{}' : sameKeys(match);
    const other = seen.get(text);
    if (other !== undefined) {
      report(chain, 'filter_chain_match', `the filter chain '${chain.name}' has the matching rules of '${other}'`);
    }
    seen.set(text, chain.name);
  }
}

/** Text that is equal for equal matches; an empty match is `{}`. */
function sameKeys(match: FilterChainMatch): string {
  const parts: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(match)) {
    const empty =
      value === '' || value === undefined || value === 'ANY' || (Array.isArray(value) && value.length === 0);
    if (!empty) parts[key] = value;
  }
  return JSON.stringify(parts);
}
