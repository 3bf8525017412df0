// The bootstrap, and what belongs to the process.
import type { AccessLog } from './types-accesslog.js';
import type { Struct } from './types-any.js';
import type { Cluster } from './types-cluster.js';
import type { Address, BindConfig, Node, SocketOption, TypedExtensionConfig } from './types-core.js';
import type { Listener } from './types-listener.js';
import type { ListStringMatcher, StringMatcher } from './types-matcher.js';

/** `envoy.config.bootstrap.v3.Bootstrap` */
export interface Bootstrap {
  node?: Node;
  static_resources?: StaticResources;
  cluster_manager?: ClusterManager;
  stats_config?: StatsConfig;
  /**
   * ms; default 5000. Starts with the process, anew each time it fires. Fires: histograms are merged, server.*
   * gauges are set.
   */
  stats_flush_interval?: number;
  layered_runtime?: LayeredRuntime;
  admin?: Admin;
  typed_dns_resolver_config?: TypedExtensionConfig;
  application_log_config?: ApplicationLogConfig;
}

/** `envoy.config.bootstrap.v3.Bootstrap.StaticResources` */
export interface StaticResources {
  listeners: Listener[];
  clusters: Cluster[];
}

/** `envoy.config.bootstrap.v3.Admin` */
export interface Admin {
  access_log: AccessLog[];
  address?: Address;
  socket_options: SocketOption[];
  ignore_global_conn_limit: boolean;
  allow_paths: StringMatcher[];
}

/** `envoy.config.bootstrap.v3.ClusterManager` */
export interface ClusterManager {
  local_cluster_name: string;
  outlier_detection?: ClusterManagerOutlierDetection;
  upstream_bind_config?: BindConfig;
}

/** `envoy.config.bootstrap.v3.ClusterManager.OutlierDetection` */
export interface ClusterManagerOutlierDetection {
  event_log_path: string;
}

/** `envoy.config.bootstrap.v3.LayeredRuntime` */
export interface LayeredRuntime {
  layers: RuntimeLayer[];
}

/** `envoy.config.bootstrap.v3.RuntimeLayer` */
export interface RuntimeLayer {
  name: string;
  static_layer?: Struct;
  admin_layer?: RuntimeAdminLayer;
}

/** `envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer` */
export type RuntimeAdminLayer = Record<string, never>;

/** `envoy.config.metrics.v3.StatsConfig` */
export interface StatsConfig {
  stats_tags: TagSpecifier[];
  use_all_default_tags?: boolean;
  stats_matcher?: StatsMatcher;
  histogram_bucket_settings: HistogramBucketSettings[];
  allow_default_tag_overrides?: boolean;
}

/** `envoy.config.metrics.v3.TagSpecifier` */
export interface TagSpecifier {
  tag_name: string;
  regex?: string;
  fixed_value?: string;
}

/** `envoy.config.metrics.v3.StatsMatcher` */
export interface StatsMatcher {
  reject_all?: boolean;
  exclusion_list?: ListStringMatcher;
  inclusion_list?: ListStringMatcher;
}

/** `envoy.config.metrics.v3.HistogramBucketSettings` */
export interface HistogramBucketSettings {
  match: StringMatcher;
  buckets: number[];
  bins?: number;
}

/** `envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig` */
export interface ApplicationLogConfig {
  log_format?: ApplicationLogFormat;
}

/** `envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig.LogFormat` */
export interface ApplicationLogFormat {
  json_format?: Struct;
  text_format?: string;
}
