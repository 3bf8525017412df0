import type { ConnPoolImpl } from './pool/conn-pool.js';
import type { ActiveHealthSink, Host, HostStats, OutlierSink } from './types.js';

/** Why a host is not plainly healthy. The order is that of `/clusters` health_flags. */
export const HealthFlag = {
  FAILED_ACTIVE_HC: 1 << 0,
  FAILED_OUTLIER_CHECK: 1 << 1,
  FAILED_EDS_HEALTH: 1 << 2,
  DEGRADED_ACTIVE_HC: 1 << 3,
  DEGRADED_EDS_HEALTH: 1 << 4,
  PENDING_DYNAMIC_REMOVAL: 1 << 5,
  PENDING_ACTIVE_HC: 1 << 6,
  EXCLUDED_VIA_IMMEDIATE_HC_FAIL: 1 << 7,
  ACTIVE_HC_TIMEOUT: 1 << 8,
  EDS_STATUS_DRAINING: 1 << 9,
} as const;

const FLAG_TEXTS = [
  '/failed_active_hc',
  '/failed_outlier_check',
  '/failed_eds_health',
  '/degraded_active_hc',
  '/degraded_eds_health',
  '/pending_dynamic_removal',
  '/pending_active_hc',
  '/excluded_via_immediate_hc_fail',
  '/active_hc_timeout',
  '/eds_status_draining',
];

const UNHEALTHY =
  HealthFlag.FAILED_ACTIVE_HC |
  HealthFlag.FAILED_OUTLIER_CHECK |
  HealthFlag.FAILED_EDS_HEALTH |
  HealthFlag.EDS_STATUS_DRAINING;
const EXCLUDED =
  HealthFlag.PENDING_ACTIVE_HC | HealthFlag.EXCLUDED_VIA_IMMEDIATE_HC_FAIL | HealthFlag.EDS_STATUS_DRAINING;
const DEGRADED = HealthFlag.DEGRADED_ACTIVE_HC | HealthFlag.DEGRADED_EDS_HEALTH;

export enum Health {
  HEALTHY = 0,
  DEGRADED = 1,
  UNHEALTHY = 2,
}

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export const NO_LOCALITY: Locality = { region: '', zone: '', subZone: '' };

export function sameLocality(a: Locality, b: Locality): boolean {
  return a.region === b.region && a.zone === b.zone && a.subZone === b.subZone;
}

/** Where to connect to: an IP address with port, or the path of a Unix socket. */
export interface Dial {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
}

/** How an endpoint is checked (health_check_config). */
export interface EndpointHealthCheck {
  /** IP address to check instead of the host's; '' for the host's. */
  readonly address: string;
  /** 0 for the host's. */
  readonly port: number;
  /** Authority of checks; '' for that of the check. */
  readonly hostname: string;
  readonly disabled: boolean;
}

type Metadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface HostSettings {
  dial: Dial;
  /** The endpoint's own hostname, or the DNS name it came from; '' when none. */
  hostname: string;
  weight: number;
  metadata: Metadata;
  locality: Locality;
  priority: number;
  /** `HealthFlag`s that the configuration sets (health_status of the endpoint). */
  healthFlags: number;
  healthCheck?: EndpointHealthCheck | null;
}

export function emptyHostStats(): HostStats {
  return {
    cx_active: 0,
    cx_connect_fail: 0,
    cx_total: 0,
    rq_active: 0,
    rq_error: 0,
    rq_success: 0,
    rq_timeout: 0,
    rq_total: 0,
    rq_pending_active: 0,
  };
}

/** For clusters without outlier detection. */
export const NO_OUTLIER_DETECTION: OutlierSink = {
  putHttpResponseCode() {},
  putResult() {},
  putResponseTime() {},
};

/** One endpoint of a cluster, with its connection pools. */
export class HostImpl implements Host {
  readonly address: string;
  readonly dial: Dial;
  readonly hostname: string;
  readonly stats: HostStats;
  weight: number;
  metadata: Metadata;
  canary: boolean;
  readonly locality: Locality;
  priority: number;
  healthFlags: number;
  readonly healthCheck: EndpointHealthCheck | null;
  activeHealth: ActiveHealthSink | null = null;
  /** When it last passed a health check after a failure, or a slow start first saw it; ms, -1 for never. */
  healthySince = -1;
  outlier: OutlierSink = NO_OUTLIER_DETECTION;
  /** Indexed by `poolSlot`. */
  readonly pools: (ConnPoolImpl | null)[] = [null, null, null, null];

  constructor(settings: HostSettings, stats: HostStats = emptyHostStats()) {
    this.dial = settings.dial;
    this.address = dialText(settings.dial);
    this.hostname = settings.hostname;
    this.stats = stats;
    this.weight = settings.weight;
    this.metadata = settings.metadata;
    this.canary = isCanary(settings.metadata);
    this.locality = settings.locality;
    this.priority = settings.priority;
    this.healthFlags = settings.healthFlags;
    this.healthCheck = settings.healthCheck ?? null;
  }

  get zone(): string {
    return this.locality.zone;
  }

  get health(): Health {
    if ((this.healthFlags & UNHEALTHY) !== 0) return Health.UNHEALTHY;
    return (this.healthFlags & DEGRADED) !== 0 ? Health.DEGRADED : Health.HEALTHY;
  }

  /** Counts for no percentage: not yet health checked, taken out by an immediate failure, or draining. */
  get excluded(): boolean {
    return (this.healthFlags & EXCLUDED) !== 0;
  }

  /** As `/clusters` prints it. */
  get healthFlagsText(): string {
    let text = '';
    for (let i = 0; i < FLAG_TEXTS.length; i++) if ((this.healthFlags & (1 << i)) !== 0) text += FLAG_TEXTS[i];
    return text === '' ? 'healthy' : text;
  }

  setMetadata(metadata: Metadata): void {
    this.metadata = metadata;
    this.canary = isCanary(metadata);
  }
}

/** Slot of a host's pool for a priority and protocol. */
export function poolSlot(priority: number, http2: boolean): number {
  return priority * 2 + (http2 ? 1 : 0);
}

/** `ip:port`, `[ip6]:port`, or the path. */
export function dialText(dial: Dial): string {
  if (dial.path !== undefined) return dial.path;
  return dial.host.includes(':') ? `[${dial.host}]:${dial.port}` : `${dial.host}:${dial.port}`;
}

function isCanary(metadata: Metadata): boolean {
  return metadata['envoy.lb']?.['canary'] === true;
}
