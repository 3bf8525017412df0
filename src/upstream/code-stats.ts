import type { Histogram, StatSource, StatVisitor } from '../observe/stats.js';
import { sanitizeStatName } from '../observe/store.js';
import type { CodeStats } from './types.js';

/** Counters of one prefix: made when first charged, as Envoy's are. */
class CodeCounters {
  completed = 0;
  readonly groups = new Float64Array(6);
  /** Index is the status code; group 0 of `groups` and code 0 here are unused. */
  readonly codes = new Float64Array(600);
  unknown = 0;

  constructor(readonly prefix: string) {}

  charge(code: number, quiet: boolean): void {
    this.completed++;
    if (quiet) return;
    if (code >= 100 && code < 600) {
      this.groups[(code / 100) | 0]++;
      this.codes[code]++;
    } else this.unknown++;
  }

  visit(visitor: StatVisitor): void {
    const prefix = this.prefix;
    visitor.counter(`${prefix}upstream_rq_completed`, this.completed);
    for (let g = 1; g < 6; g++) if (this.groups[g] > 0) visitor.counter(`${prefix}upstream_rq_${g}xx`, this.groups[g]);
    for (let c = 100; c < 600; c++) if (this.codes[c] > 0) visitor.counter(`${prefix}upstream_rq_${c}`, this.codes[c]);
    if (this.unknown > 0) visitor.counter(`${prefix}upstream_rq_unknown`, this.unknown);
  }
}

/** Names that callers give are counted up to this many: they come with traffic. */
const ALTERNATIVES = 1000;

interface ZoneCounters {
  readonly codes: CodeCounters;
  time: Histogram | null;
}

/** Response codes of a cluster, with the `external.`, `internal.`, `canary.` and `retry.` variants, and those by zone. */
export class CodeStatsImpl implements CodeStats, StatSource {
  private all: CodeCounters | null = null;
  private external: CodeCounters | null = null;
  private internal: CodeCounters | null = null;
  private canary: CodeCounters | null = null;
  private retry: CodeCounters | null = null;
  private time: Histogram | null = null;
  private externalTime: Histogram | null = null;
  private internalTime: Histogram | null = null;
  private canaryTime: Histogram | null = null;
  /** By the zone of the host. */
  private readonly zones = new Map<string, ZoneCounters>();
  private alternatives: Map<string, CodeStatsImpl> | null = null;

  /** @param prefix `cluster.<name>.` */
  constructor(
    private readonly prefix: string,
    private readonly histogram: () => Histogram,
    /** node.locality.zone; '' when unknown, and then nothing is counted by zone. */
    private readonly ownZone = '',
  ) {}

  charge(code: number, internal: boolean, canary: boolean, zone = '', quiet = false): void {
    (this.all ??= new CodeCounters(this.prefix)).charge(code, quiet);
    if (internal) (this.internal ??= new CodeCounters(`${this.prefix}internal.`)).charge(code, quiet);
    else (this.external ??= new CodeCounters(`${this.prefix}external.`)).charge(code, quiet);
    if (canary) (this.canary ??= new CodeCounters(`${this.prefix}canary.`)).charge(code, quiet);
    if (zone !== '' && this.ownZone !== '') this.zone(zone).codes.charge(code, quiet);
  }

  chargeRetry(code: number, quiet = false): void {
    (this.retry ??= new CodeCounters(`${this.prefix}retry.`)).charge(code, quiet);
  }

  alternative(name: string): CodeStats | null {
    let codes = this.alternatives?.get(name);
    if (codes === undefined) {
      this.alternatives ??= new Map();
      if (this.alternatives.size >= ALTERNATIVES) return null;
      codes = new CodeStatsImpl(`${this.prefix}${name}.`, this.histogram, this.ownZone);
      this.alternatives.set(name, codes);
    }
    return codes;
  }

  private zone(zone: string): ZoneCounters {
    let counters = this.zones.get(zone);
    if (counters === undefined) {
      const prefix = sanitizeStatName(`${this.prefix}zone.${this.ownZone}.${zone}.`);
      counters = { codes: new CodeCounters(prefix), time: null };
      this.zones.set(zone, counters);
    }
    return counters;
  }

  recordTime(ms: number, internal: boolean, canary: boolean, zone = ''): void {
    (this.time ??= this.histogram()).record(ms);
    if (internal) (this.internalTime ??= this.histogram()).record(ms);
    else (this.externalTime ??= this.histogram()).record(ms);
    if (canary) (this.canaryTime ??= this.histogram()).record(ms);
    if (zone !== '' && this.ownZone !== '') (this.zone(zone).time ??= this.histogram()).record(ms);
  }

  visit(visitor: StatVisitor): void {
    this.all?.visit(visitor);
    this.external?.visit(visitor);
    this.internal?.visit(visitor);
    this.canary?.visit(visitor);
    this.retry?.visit(visitor);
    for (const { codes, time } of this.zones.values()) {
      codes.visit(visitor);
      if (time !== null) visitor.histogram(`${codes.prefix}upstream_rq_time`, time);
    }
    if (this.alternatives !== null) for (const codes of this.alternatives.values()) codes.visit(visitor);
    const prefix = this.prefix;
    if (this.time !== null) visitor.histogram(`${prefix}upstream_rq_time`, this.time);
    if (this.externalTime !== null) visitor.histogram(`${prefix}external.upstream_rq_time`, this.externalTime);
    if (this.internalTime !== null) visitor.histogram(`${prefix}internal.upstream_rq_time`, this.internalTime);
    if (this.canaryTime !== null) visitor.histogram(`${prefix}canary.upstream_rq_time`, this.canaryTime);
  }
}
