import type { RequestHeaders } from '../../base/headers.js';
import type { Any, RbacPerRoute, RbacFilter as RbacProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, sharedStats } from './deps.js';
import { RuleSet } from './rbac-rules.js';
import type { RouteSettings } from './route-settings.js';

/** `http.<stat_prefix>.rbac.<rules_stat_prefix>.` */
export class RbacStats {
  allowed = 0;
  denied = 0;
}

/** Counters of one policy. */
export class PolicyStats {
  allowed = 0;
  denied = 0;
  shadow_allowed = 0;
  shadow_denied = 0;
}

/** `http.<stat_prefix>.rbac.<shadow_rules_stat_prefix>.` */
export class RbacShadowStats {
  shadow_allowed = 0;
  shadow_denied = 0;
}

/** `http.<stat_prefix>.rbac.<prefix>.policy.<name>.`: what each policy that matched has decided. */
class PolicyCounts {
  private readonly byPrefix = new Map<string, RbacStats & RbacShadowStats>();

  constructor(
    private readonly deps: FilterDeps,
    private readonly config: RbacProto,
  ) {}

  of(policy: string, shadow: boolean): RbacStats & RbacShadowStats {
    const { rules_stat_prefix: own, shadow_rules_stat_prefix: other } = this.config;
    const prefix = `${this.deps.statPrefix}rbac.${dotted(shadow ? other : own)}policy.${policy}.`;
    let counts = this.byPrefix.get(prefix);
    if (counts === undefined) {
      counts = sharedStats(this.deps.store, prefix, PolicyStats);
      this.byPrefix.set(prefix, counts);
    }
    return counts;
  }
}

/** One RBAC message, compiled. */
class RbacSettings implements StreamFilterFactory {
  readonly stats: RbacStats;
  readonly shadowStats: RbacShadowStats;
  readonly rules: RuleSet | null;
  readonly shadowRules: RuleSet | null;
  readonly shadowPrefix: string;
  /** track_per_rule_stats; null: policies are not counted one by one. */
  readonly policies: PolicyCounts | null;

  constructor(config: RbacProto, deps: FilterDeps) {
    this.policies = config.track_per_rule_stats ? new PolicyCounts(deps, config) : null;
    const prefix = `${deps.statPrefix}rbac.`;
    this.stats = sharedStats(deps.store, prefix + dotted(config.rules_stat_prefix), RbacStats);
    this.shadowPrefix = config.shadow_rules_stat_prefix;
    this.shadowStats = sharedStats(deps.store, prefix + dotted(this.shadowPrefix), RbacShadowStats);
    this.rules = config.rules === undefined ? null : new RuleSet(config.rules, deps);
    this.shadowRules = config.shadow_rules === undefined ? null : new RuleSet(config.shadow_rules, deps);
  }

  create(filters: StreamFilters): StreamFilter {
    return new RbacFilter(filters, this);
  }
}

function dotted(prefix: string): string {
  return prefix === '' ? '' : `${prefix}.`;
}

/** Answers 403 to requests that the rules forbid; shadow rules only count. */
class RbacFilter extends StreamFilter {
  constructor(
    filters: StreamFilters,
    private readonly settings: RbacSettings,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { settings, stream } = this;
    const { rules, shadowRules } = settings;
    if (shadowRules !== null) this.shadow(shadowRules, headers);
    if (rules === null) return Step.CONTINUE;
    const { allowed, policy } = rules.decide(headers, stream.info);
    if (settings.policies !== null && policy !== '')
      settings.policies.of(policy, false)[allowed ? 'allowed' : 'denied']++;
    if (allowed) {
      settings.stats.allowed++;
      return Step.CONTINUE;
    }
    settings.stats.denied++;
    const name = policy === '' ? 'none' : policy.replaceAll(/\s/g, '_');
    stream.sendLocalReply(403, 'RBAC: access denied', `rbac_access_denied_matched_policy[${name}]`);
    return Step.STOP_AND_WATERMARK;
  }

  private shadow(rules: RuleSet, headers: RequestHeaders): void {
    const { settings, stream } = this;
    const { allowed, policy } = rules.decide(headers, stream.info);
    if (settings.policies !== null && policy !== '')
      settings.policies.of(policy, true)[allowed ? 'shadow_allowed' : 'shadow_denied']++;
    if (allowed) settings.shadowStats.shadow_allowed++;
    else settings.shadowStats.shadow_denied++;
    const { info } = stream;
    const prefix = settings.shadowPrefix;
    const values: Record<string, unknown> = { [`${prefix}shadow_engine_result`]: allowed ? 'allowed' : 'denied' };
    if (policy !== '') values[`${prefix}shadow_effective_policy_id`] = policy;
    info.dynamicMetadata = { ...info.dynamicMetadata, 'envoy.filters.http.rbac': values };
  }
}

/** `envoy.filters.http.rbac`. @throws ConfigError for what is not supported */
export function compileRbac(config: RbacProto, deps: FilterDeps): HttpFilterConfig {
  const general = new RbacSettings(config, deps);
  const make = (own: Any) => {
    const { rbac } = own as Any & RbacPerRoute;
    return rbac === undefined ? null : new RbacSettings(rbac, deps);
  };
  return {
    checkRoute: (own) => void make(own),
    forRoute({ own }: RouteSettings): StreamFilterFactory | null {
      const settings = own === null ? general : make(own);
      return settings === null || (settings.rules === null && settings.shadowRules === null) ? null : settings;
    },
  };
}
