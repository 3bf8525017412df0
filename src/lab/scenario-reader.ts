import { readMapping } from '../config/documents.js';
import { parseDuration } from '../config/duration.js';
import { ConfigError, gather, nearest } from '../config/error.js';
import { isObject, kindOf, type Plain, type PlainObject } from '../config/plain.js';
import { positionOf } from '../config/position.js';
import {
  CHAINS,
  CURES,
  DEFAULT_SETTINGS,
  DEFAULT_TRAFFIC,
  type Expectation,
  FAULTS,
  PROGRAMS,
  type Row,
  type Scenario,
  type Settings,
  type Traffic,
} from './scenario.js';

const PHASES = ['healthy', 'unplugged', 'replaced', 'restored'] as const;
const PROTOCOLS = ['http1', 'http2'] as const;
/** Rows of one scenario run at the same time: more would measure each other. */
const MOST_ROWS = 24;

/** Reads one mapping field by field; what is left unread at the end is unknown. */
class Fields {
  private readonly seen = new Set<string>();

  constructor(
    readonly object: PlainObject,
    readonly path: string,
    private readonly errors: ConfigError[],
  ) {}

  fail(key: string, reason: string, allowed = ''): void {
    const path = this.path === '' ? key : `${this.path}.${key}`;
    const at = positionOf(this.object, key) ?? positionOf(this.object, '');
    this.errors.push(new ConfigError(reason, path, at, allowed));
  }

  private get(key: string): Plain | undefined {
    this.seen.add(key);
    return Object.hasOwn(this.object, key) ? this.object[key] : undefined;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.object, key);
  }

  text(key: string, otherwise: string | null): string {
    const value = this.get(key);
    if (typeof value === 'string') return value;
    if (value === undefined && otherwise !== null) return otherwise;
    this.fail(key, value === undefined ? 'is missing' : `is ${kindOf(value)}`, 'a string');
    return '';
  }

  oneOf<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
    return this.listOf(key, allowed, [otherwise], 1)[0] ?? otherwise;
  }

  /** One value or a list of values. */
  listOf<T extends string>(key: string, allowed: readonly T[], otherwise: T[], most = allowed.length): T[] {
    const value = this.get(key);
    if (value === undefined) return otherwise;
    const items = Array.isArray(value) ? value : [value];
    const good = items.filter((item): item is T => allowed.includes(item as T));
    if (good.length !== items.length || items.length === 0 || items.length > most)
      this.fail(key, `is ${kindOf(value)}`, `${most > 1 ? 'one or more' : 'one'} of ${allowed.join(', ')}`);
    return good;
  }

  strings(key: string): string[] | null {
    const value = this.get(key);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.fail(key, `is ${kindOf(value)}`, 'a list of strings');
    return null;
  }

  /** Milliseconds. */
  duration<T extends number | null>(key: string, otherwise: T): number | T {
    const value = this.get(key);
    if (value === undefined) return otherwise;
    const ms = typeof value === 'string' ? parseDuration(value) : null;
    if (ms === null || ms < 0) this.fail(key, `is ${kindOf(value)}`, 'a duration such as 1s or 0.5s');
    return ms ?? otherwise;
  }

  whole(key: string, otherwise: number, least: number, most: number): number {
    const value = this.get(key);
    if (value === undefined) return otherwise;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.fail(key, `is ${kindOf(value)}`, `a whole number from ${least} to ${most}`);
    return otherwise;
  }

  mapping(key: string): Fields | null {
    const value = this.get(key);
    if (value === undefined) return null;
    if (isObject(value)) return new Fields(value, this.path === '' ? key : `${this.path}.${key}`, this.errors);
    this.fail(key, `is ${kindOf(value)}`, 'a mapping');
    return null;
  }

  mappings(key: string): Fields[] {
    const value = this.get(key) ?? [];
    if (!Array.isArray(value)) {
      this.fail(key, `is ${kindOf(value)}`, 'a list of mappings');
      return [];
    }
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return value.flatMap((item, i) => {
      if (isObject(item)) return [new Fields(item, `${path}[${i}]`, this.errors)];
      this.errors.push(new ConfigError(`is ${kindOf(item)}`, `${path}[${i}]`, positionOf(value, `${i}`), 'a mapping'));
      return [];
    });
  }

  /** Names what was not asked for. */
  end(): void {
    for (const key of Object.keys(this.object)) {
      if (this.seen.has(key)) continue;
      const like = nearest(key, this.seen);
      this.fail(key, 'unknown field', like.length > 0 ? like.join(', ') : [...this.seen].join(', '));
    }
  }
}

/**
 * Reads a scenario file. Durations are written as `1.5s`; fields left out have the defaults of `scenario.ts`.
 * @throws ConfigError with every mistake that was found
 */
export function readScenario(file: string, text: string): Scenario {
  const errors: ConfigError[] = [];
  const top = new Fields(readMapping(file, text), '', errors);
  const scenario: Scenario = {
    name: top.text('name', null),
    title: top.text('title', null),
    about: top.text('about', ''),
    healthy: top.duration('healthy', 2000),
    unplugged: top.duration('unplugged', 5000),
    replaced: top.duration('replaced', 0),
    restored: top.duration('restored', 4000),
    faults: top.listOf('faults', FAULTS, ['cable']),
    settings: readSettings(top.mapping('settings')),
    traffic: readTraffic(top.mapping('traffic')),
    rows: top.mappings('rows').flatMap(readRows),
    expect: [],
  };
  const names = new Set(scenario.rows.map((row) => row.name));
  scenario.expect = top.mappings('expect').map((fields) => readExpectation(fields, names));
  if (scenario.rows.length === 0 || scenario.rows.length > MOST_ROWS)
    top.fail('rows', `makes ${scenario.rows.length} rows`, `1 to ${MOST_ROWS}`);
  if (names.size < scenario.rows.length) top.fail('rows', 'two rows have the same name', 'a name for each');
  top.end();
  if (errors.length > 0) throw gather(errors);
  return scenario;
}

function readSettings(fields: Fields | null): Settings {
  if (fields === null) return DEFAULT_SETTINGS;
  const d = DEFAULT_SETTINGS;
  const settings = {
    timeout: fields.duration('timeout', d.timeout),
    innerTimeout: fields.duration('inner_timeout', d.innerTimeout),
    serviceDeadline: fields.duration('service_deadline', d.serviceDeadline),
    connectTimeout: fields.duration('connect_timeout', d.connectTimeout),
    keepaliveInterval: fields.duration('keepalive_interval', d.keepaliveInterval),
    keepaliveTimeout: fields.duration('keepalive_timeout', d.keepaliveTimeout),
    userTimeout: fields.duration('user_timeout', d.userTimeout),
    outlierErrors: fields.whole('outlier_errors', d.outlierErrors, 1, 1000),
    ejection: fields.duration('ejection', d.ejection),
    outlierInterval: fields.duration('outlier_interval', d.outlierInterval),
  };
  fields.end();
  return settings;
}

function readTraffic(fields: Fields | null): Traffic {
  if (fields === null) return DEFAULT_TRAFFIC;
  const d = DEFAULT_TRAFFIC;
  const upload = fields.mapping('upload');
  const traffic: Traffic = {
    gets: fields.whole('gets', d.gets, 0, 1000),
    posts: fields.whole('posts', d.posts, 0, 1000),
    postBytes: fields.whole('post_bytes', d.postBytes, 0, 1 << 30),
    upload: upload && { bytes: upload.whole('bytes', 25_165_824, 1, 1 << 30), after: upload.duration('after', 1000) },
    deadline: fields.duration('deadline', d.deadline),
  };
  upload?.end();
  fields.end();
  return traffic;
}

/** A row whose `profile`, `cure` or `protocol` is a list stands for every combination. */
function readRows(fields: Fields): Row[] {
  const name = fields.has('name') ? fields.text('name', null) : null;
  const value = fields.object['profile'];
  const profiles = Array.isArray(value) ? (fields.strings('profile') ?? []) : [fields.text('profile', 'istio-current')];
  const cures = fields.listOf('cure', CURES, ['none']);
  const protocols = fields.listOf('protocol', PROTOCOLS, ['http2']);
  const common = {
    hosts: fields.whole('hosts', 1, 1, 8),
    maxStreamDuration: fields.duration('max_stream_duration', null),
    chain: fields.oneOf('chain', CHAINS, CHAINS[0]),
    program: fields.oneOf('program', PROGRAMS, 'node'),
    why: fields.text('why', ''),
  };
  if (common.chain === 'caller > server' && fields.has('cure'))
    fields.fail('cure', 'there is no proxy in this chain that could apply a cure', 'no cure');
  fields.end();
  const rows: Row[] = [];
  for (const profile of profiles)
    for (const cure of cures)
      for (const protocol of protocols) {
        const parts = [
          profiles.length > 1 ? profile : '',
          cures.length > 1 ? cure : '',
          protocols.length > 1 ? protocol : '',
        ];
        const varied = parts.filter(Boolean).join(' ');
        const own = [name ?? '', varied].filter(Boolean).join(' ') || `${profile} ${cure}`;
        rows.push({ name: own, profile, cure, protocol, ...common });
      }
  return rows;
}

function readExpectation(fields: Fields, rows: ReadonlySet<string>): Expectation {
  const expectation: Expectation = {
    row: fields.text('row', null),
    fault: fields.has('fault') ? fields.oneOf('fault', FAULTS, 'cable') : null,
    phase: fields.oneOf('phase', PHASES, 'unplugged'),
    some: fields.strings('some') ?? [],
    only: fields.strings('only'),
    upload: fields.strings('upload'),
    longest: {
      atLeast: fields.duration('longest_at_least', null),
      atMost: fields.duration('longest_at_most', null),
    },
  };
  if (!rows.has(expectation.row)) fields.fail('row', `no row is named '${expectation.row}'`, [...rows].join(', '));
  fields.end();
  return expectation;
}
