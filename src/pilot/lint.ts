import { policyForPort, subsetPolicy } from './cluster/policy.js';
import { parseDuration } from './duration.js';
import type { Findings } from './finding.js';
import { isHttp2 } from './protocol.js';
import type { Service } from './registry/service.js';
import { numberAt, stringAt, type Tree, treeAt, treesAt } from './tree.js';
import type { VirtualService } from './virtual-services.js';
import type { World } from './world.js';

/** What is known of the callers, for rules about who waits longer. */
export interface LintOptions {
  /** Milliseconds after which the callers of this proxy give up themselves; undefined when it is not known. */
  callerTimeout?: number;
}

const SECOND = 1000;
/** What Envoy waits before the first retry, at most; each further one doubles it. */
const BACKOFF_BASE = 25;

/**
 * Does the arithmetic of timers: says what is allowed and does not do what it seems to. Every finding is an `advice` with
 * the line that is to be changed.
 */
export function lint(world: World, findings: Findings, options: LintOptions = {}): void {
  for (const vs of world.virtualServices) for (const http of vs.http) lintRoute(world, findings, vs, http, options);
  lintPools(world, findings, options);
  lintEnvoyFilters(world, findings);
}

function ms(tree: Tree | undefined, field: string): number | null {
  return tree === undefined ? null : parseDuration(stringAt(tree, field));
}

function text(value: number): string {
  return value % SECOND === 0 ? `${value / SECOND}s` : `${value}ms`;
}

function lintRoute(world: World, findings: Findings, vs: VirtualService, http: Tree, options: LintOptions): void {
  const timeout = ms(http, 'timeout');
  const retries = treeAt(http, 'retries');
  const perTry = ms(retries, 'perTryTimeout');
  const attempts = numberAt(retries, 'attempts') ?? 0;
  const advise = (rule: string, tree: Tree, field: string, message: string) =>
    findings.advise(rule, vs.from, tree, field, message);
  const { timeout: fields } = world.profile;
  if (timeout !== null && fields.maxStreamDuration === 'route') {
    const message =
      `${world.profile.name} makes max_stream_duration ${text(timeout)} of this timeout too: both fire at the same ` +
      'moment, and the answer is 408 or 504 at random (always 408 when the body comes in later reads)';
    advise('timeout-tie', http, 'timeout', message);
  }
  if (retries !== undefined && perTry !== null) {
    if (timeout !== null && perTry >= timeout) {
      const message = `perTryTimeout ${text(perTry)} is not below the timeout ${text(timeout)}: Envoy ignores it`;
      advise('per-try-ignored', retries, 'perTryTimeout', message);
    }
    const retryOn = stringAt(retries, 'retryOn');
    const covered = retryOn.split(',').some((w) => ['reset', '5xx', 'gateway-error'].includes(w.trim()));
    if (attempts > 0 && !covered) {
      const message =
        `a try that takes longer than perTryTimeout ${text(perTry)} is not retried: retryOn ` +
        `${retryOn === '' ? 'by default' : JSON.stringify(retryOn)} has none of reset, 5xx, gateway-error; the answer is 504 after one try`;
      advise('per-try-not-retried', retries, 'perTryTimeout', message);
    }
    if (timeout !== null && attempts > 0 && covered) {
      const all = perTry * (attempts + 1) + backoffs(attempts, ms(retries, 'backoff') ?? BACKOFF_BASE);
      if (perTry < timeout && all > timeout) {
        const tries = Math.floor(timeout / perTry);
        const message =
          `${attempts + 1} tries of ${text(perTry)} need up to ${text(all)}, the timeout is ${text(timeout)}: ` +
          `it ends the request in try ${Math.min(tries + 1, attempts + 1)}`;
        advise('retries-do-not-fit', retries, 'attempts', message);
      }
    }
  }
  lintRetriedMethods(vs, http, retries, findings);
  if (timeout !== null && options.callerTimeout !== undefined && timeout >= options.callerTimeout) {
    const message =
      `the timeout ${text(timeout)} is not below the callers' own ${text(options.callerTimeout)}: ` +
      'they give up first and see no status, here it is logged as 0 DC';
    advise('caller-first', http, 'timeout', message);
  }
  const delay = ms(treeAt(treeAt(http, 'fault'), 'delay'), 'fixedDelay');
  if (delay !== null && timeout !== null && delay >= timeout) {
    const message = `the injected delay ${text(delay)} is not within the timeout ${text(timeout)}: the timeout begins after it and does not fire`;
    advise('delay-outside-timeout', treeAt(treeAt(http, 'fault'), 'delay') as Tree, 'fixedDelay', message);
  }
  const routed = treesAt(http, 'route').length > 0;
  if (routed && timeout === null && perTry === null) {
    const message =
      'nothing ends a request whose server never answers: a dead connection holds it until the kernel gives up (about 15 minutes)';
    advise('no-timeout', http, '', message);
  }
  if (routed && timeout !== null && fields.maxStreamDuration !== 'route' && !streamsAreBounded(world)) {
    const message =
      `the timeout ${text(timeout)} begins when the request is complete: an upload that stalls is bounded by nothing ` +
      '(connectionSettings.httpStreamIdleTimeout of the mesh would)';
    advise('unbounded-upload', http, 'timeout', message);
  }
}

function backoffs(attempts: number, base: number): number {
  let sum = 0;
  for (let i = 0; i < attempts; i++) sum += Math.min(base * 2 ** i, base * 10);
  return sum;
}

function streamsAreBounded(world: World): boolean {
  const settings = treeAt(world.mesh.defaultConfig, 'connectionSettings');
  return ['httpStreamIdleTimeout', 'httpMaxStreamDuration', 'httpRequestTimeout'].some(
    (f) => (ms(settings, f) ?? 0) > 0,
  );
}

const UNSAFE = new Set(['POST', 'PATCH']);
/** Conditions under which a request may have been carried out before it is sent again. */
const MAY_REPEAT = ['5xx', 'gateway-error', 'reset', 'retriable-status-codes', 'retriable-4xx'];

function lintRetriedMethods(vs: VirtualService, http: Tree, retries: Tree | undefined, findings: Findings): void {
  if (retries === undefined || (numberAt(retries, 'attempts') ?? 0) <= 0) return;
  const words = stringAt(retries, 'retryOn')
    .split(',')
    .map((w) => w.trim());
  const risky = words.filter((w) => MAY_REPEAT.includes(w) || /^\d+$/.test(w));
  if (risky.length === 0) return;
  const methods = treesAt(http, 'match').map((m) => stringAt(treeAt(m, 'method'), 'exact'));
  const named = methods.filter((m) => m !== '');
  const unsafe = named.length === 0 ? [...UNSAFE] : named.filter((m) => UNSAFE.has(m));
  if (unsafe.length === 0) return;
  const message = `${unsafe.join(' and ')} requests are sent again on ${risky.join(', ')}, when the server may have carried them out already`;
  findings.advise('retry-repeats', vs.from, retries, 'retryOn', message);
}

/** Longest timeout that routes to a service have, and where it stands. */
function longestTimeout(world: World, service: Service): number | null {
  let longest: number | null = null;
  for (const vs of world.virtualServices) {
    for (const http of vs.http) {
      const here = treesAt(http, 'route').some((r) => stringAt(treeAt(r, 'destination'), 'host') === service.host);
      const timeout = here ? ms(http, 'timeout') : null;
      if (timeout !== null && (longest === null || timeout > longest)) longest = timeout;
    }
  }
  return longest;
}

function lintPools(world: World, findings: Findings, options: LintOptions): void {
  const seen = new Set<Tree>();
  for (const service of world.scope.services) {
    const rule = world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
    if (rule === undefined) continue;
    const deadline = longestTimeout(world, service) ?? options.callerTimeout ?? null;
    for (const port of service.ports) {
      const whole = policyForPort(rule.trafficPolicy, world.mesh.defaultTrafficPolicy, port.number);
      for (const policy of [whole, ...rule.subsets.map((s) => subsetPolicy(whole, s, port.number))]) {
        const pool = policy.connectionPool;
        if (pool === undefined || seen.has(pool)) continue;
        seen.add(pool);
        lintPool(findings, rule, pool, deadline, isHttp2(port.protocol));
      }
    }
  }
}

function lintPool(
  findings: Findings,
  rule: { from: VirtualService['from'] },
  pool: Tree,
  deadline: number | null,
  http2: boolean,
): void {
  const http = treeAt(pool, 'http');
  const tcp = treeAt(pool, 'tcp');
  const keepAlive = treeAt(http, 'http2KeepAlive');
  const interval = ms(keepAlive, 'interval');
  const wait = ms(keepAlive, 'timeout');
  if (
    keepAlive !== undefined &&
    interval !== null &&
    wait !== null &&
    deadline !== null &&
    interval + wait >= deadline
  ) {
    const message =
      `a dead connection is noticed after up to ${text(interval + wait)} (interval and timeout), requests give up after ` +
      `${text(deadline)}: they all fail until then`;
    findings.advise('keepalive-slower', rule.from, keepAlive, 'interval', message);
  }
  const tcpKeepAlive = treeAt(tcp, 'tcpKeepalive');
  if (tcpKeepAlive !== undefined) {
    const time = ms(tcpKeepAlive, 'time') ?? 7200 * SECOND;
    const each = ms(tcpKeepAlive, 'interval') ?? 75 * SECOND;
    const all = time + each * (numberAt(tcpKeepAlive, 'probes') ?? 9);
    if (keepAlive === undefined && deadline !== null && all >= deadline) {
      const message =
        `TCP keepalive notices an idle dead peer after ${text(all)}, and does not run at all while sent bytes are not ` +
        `acknowledged; requests give up after ${text(deadline)}${http2 ? ' (http2KeepAlive does notice)' : ''}`;
      findings.advise('tcp-keepalive-blind', rule.from, tcp as Tree, 'tcpKeepalive', message);
    }
  }
  const connect = ms(tcp, 'connectTimeout');
  if (tcp !== undefined && connect !== null && deadline !== null && connect >= deadline) {
    const message = `connectTimeout ${text(connect)} is not below the timeout ${text(deadline)}: no second try can be made within it`;
    findings.advise('connect-too-long', rule.from, tcp, 'connectTimeout', message);
  }
  const idle = ms(http, 'idleTimeout') ?? ms(tcp, 'idleTimeout');
  if (idle !== null && idle > 60 * SECOND) {
    const owner = ms(http, 'idleTimeout') === null ? (tcp as Tree) : (http as Tree);
    const message = `idle connections are kept for ${text(idle)}: longer than many servers do (5s to 75s), which then reset the next request`;
    findings.advise('idle-too-long', rule.from, owner, 'idleTimeout', message);
  }
}

/** Patches that race with, or switch off, the timeout of the routes that they change. */
function lintEnvoyFilters(world: World, findings: Findings): void {
  for (const filter of world.resources.filter((r) => r.kind === 'EnvoyFilter')) {
    for (const patch of treesAt(filter.spec, 'configPatches')) {
      if (stringAt(patch, 'applyTo') !== 'HTTP_ROUTE') continue;
      const route = treeAt(treeAt(treeAt(patch, 'patch'), 'value'), 'route');
      const duration = treeAt(route, 'max_stream_duration') ?? treeAt(route, 'maxStreamDuration');
      const inbound = stringAt(treeAt(patch, 'match'), 'context') === 'SIDECAR_INBOUND';
      if (route !== undefined && duration !== undefined) {
        const message =
          'a max_stream_duration on a route switches its timeout off (Envoy 1.18 and later): only this one acts, from the beginning of the request';
        findings.advise(
          'timeout-off',
          filter,
          route,
          duration === route['max_stream_duration'] ? 'max_stream_duration' : 'maxStreamDuration',
          message,
        );
      } else if (
        route !== undefined &&
        inbound &&
        route['timeout'] !== undefined &&
        world.profile.inbound.maxStreamDuration !== 'absent'
      ) {
        const message =
          'inbound routes carry a max_stream_duration of 0, so this timeout never fires; set max_stream_duration instead';
        findings.advise('timeout-off', filter, route, 'timeout', message);
      }
    }
  }
}
