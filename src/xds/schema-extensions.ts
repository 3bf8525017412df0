/** Which messages an extension point takes. The notation is described in `schema.ts`. */
export const EXTENSIONS = `
category network_filter
  HttpConnectionManager TcpProxy NetworkRbacFilter
category listener_filter
  HttpInspector TlsInspector OriginalDst
category transport_socket
  DownstreamTlsContext UpstreamTlsContext RawBuffer
category access_logger
  FileAccessLog StdoutAccessLog StderrAccessLog
category access_log_filter
  ExpressionFilter
category http_filter
  Router HTTPFault Cors HealthCheckFilter LocalRateLimit BufferFilter
  RbacFilter HeaderMutationFilter GrpcStatsFilter
category per_route
  FilterConfig HTTPFault FilterCorsPolicy BufferPerRoute LocalRateLimit RbacPerRoute HeaderMutationPerRoute
category request_id
  UuidRequestIdConfig
category original_ip_detection
  XffConfig CustomHeaderConfig
category early_header_mutation
  EarlyHeaderMutation
category header_formatter
  PreserveCaseFormatterConfig
category path_match
  UriTemplateMatchConfig
category path_rewrite
  UriTemplateRewriteConfig
category retry_host_predicate
  PreviousHostsPredicate OmitCanaryHostsPredicate OmitHostMetadataConfig
category retry_priority
  PreviousPrioritiesConfig
category internal_redirect_predicate
  AllowListedRoutesConfig PreviousRoutesConfig SafeCrossSchemeConfig
category load_balancing_policy
  RoundRobinPolicy LeastRequestPolicy RandomPolicy RingHashPolicy MaglevPolicy SubsetPolicy
  WrrLocalityPolicy ClusterProvidedPolicy
category dns_resolver
  CaresDnsResolverConfig GetAddrInfoDnsResolverConfig
category protocol_options
  UpstreamHttpConfig
category metadata
  
`;
