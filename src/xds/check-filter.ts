import type { Checks } from './check.js';
import { checkIpAddress } from './check-cluster.js';
import { checkAddedHeaders, checkMutations } from './check-route.js';

/** Filters and what belongs to the process. */
export const FILTER_CHECKS: Checks = {
  HealthCheckFilter(filter, report) {
    if (filter.cache_time !== undefined && filter.pass_through_mode === false) {
      report(filter, 'cache_time', 'cache_time needs pass_through_mode', 'pass_through_mode: true');
    }
  },

  LocalRateLimit(limit, report) {
    checkAddedHeaders(limit.response_headers_to_add, report);
    const interval = limit.token_bucket?.fill_interval;
    if (limit.token_bucket !== undefined && interval !== undefined && interval < 50) {
      report(limit.token_bucket, 'fill_interval', 'the token bucket is filled too often', 'at least 0.050s');
    }
    const seen = new Set<string>();
    for (const descriptor of limit.descriptors) {
      const text = descriptor.entries.map((entry) => `${entry.key}=${entry.value}`).join(', ');
      if (seen.has(text)) report(descriptor, 'entries', `the descriptor ${text} is repeated`, 'every descriptor once');
      seen.add(text);
    }
  },

  RbacPermission(permission, report) {
    const range = permission.destination_port_range;
    if (range !== undefined && range.start >= range.end) {
      report(range, 'start', 'the range of ports is empty', 'start less than end');
    }
  },

  Mutations(mutations, report) {
    const { request_mutations, response_mutations, request_trailers_mutations, response_trailers_mutations } =
      mutations;
    for (const list of [
      request_mutations,
      response_mutations,
      request_trailers_mutations,
      response_trailers_mutations,
    ]) {
      checkMutations(list, report);
    }
  },

  EarlyHeaderMutation(mutation, report) {
    checkMutations(mutation.mutations, report);
  },

  DownstreamTlsContext(context, report) {
    const certificates = context.common_tls_context?.tls_certificates ?? [];
    if (certificates.length === 0)
      report(context, 'common_tls_context', 'a TLS server needs a certificate', 'tls_certificates');
  },

  Admin(admin, report) {
    if (admin.address?.socket_address !== undefined) checkIpAddress(admin.address.socket_address, report);
  },

  TagSpecifier(tag, report) {
    if (tag.regex === undefined && tag.fixed_value === undefined && !DEFAULT_TAGS.has(tag.tag_name)) {
      report(
        tag,
        'tag_name',
        `the tag ${JSON.stringify(tag.tag_name)} has no regex of its own`,
        'regex or fixed_value',
      );
    }
    if (tag.regex === undefined) return;
    try {
      new RegExp(tag.regex);
    } catch (error) {
      report(tag, 'regex', (error as Error).message, 'an ECMAScript regular expression');
    }
  },
};

/** The tags that Envoy knows how to take out of a statistic's name. */
const DEFAULT_TAGS = new Set(
  `cluster_name listener_address http_conn_manager_prefix http_user_agent ssl_cipher ssl_curve ssl_version ssl_sigalg grpc_bridge_method grpc_bridge_service tcp_prefix udp_prefix clientssl_prefix mongo_cmd mongo_collection mongo_callsite mongo_prefix ratelimit_prefix local_http_ratelimit_prefix local_network_ratelimit_prefix local_listener_ratelimit_prefix dns_filter_prefix connection_limit_prefix rbac_prefix rbac_http_prefix rbac_policy_name ext_authz_prefix fault_downstream_cluster dynamo_operation dynamo_table dynamo_partition_id google_grpc_client_prefix response_code response_code_class rds_route_config scoped_rds_config route virtual_cluster virtual_host worker_id thrift_prefix redis_prefix proxy_protocol_version proxy_protocol_prefix xds_resource_name`
    .split(/\s+/)
    .map((name) => `envoy.${name}`),
);
