import type { HostImpl } from '../host.js';
import type { HostSet } from '../priority-set.js';

/** How a cluster's load is spread over its priorities: percentages that add up to 100, and which priorities panic. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
}

/**
 * Envoy's rules (LoadBalancerBase): a priority's availability is its share of healthy (or degraded) hosts times the
 * overprovisioning factor, at most 100 %; priorities are filled in order. When together they do not reach 100 %, those with
 * fewer available hosts than `panicThreshold` percent panic: they use all hosts, and when all panic the load follows host counts.
 */
export function priorityLoad(sets: readonly HostSet[], panicThreshold: number): PriorityLoad {
  const count = sets.length;
  const health = sets.map((set) => availability(set, set.healthy));
  const degradedHealth = sets.map((set) => availability(set, set.degraded));
  const healthy: number[] = new Array(count).fill(0);
  const degraded: number[] = new Array(count).fill(0);
  const panic: boolean[] = new Array(count).fill(false);
  const total = Math.min(100, health.reduce((a, b) => a + b, 0) + degradedHealth.reduce((a, b) => a + b, 0));
  if (total > 0) {
    const afterHealthy = distribute(healthy, health, 100, total);
    const rest = distribute(degraded, degradedHealth, afterHealthy, total);
    // What rounding left over goes to the first priority that can take anything.
    const first = health.findIndex((h) => h > 0);
    if (first >= 0) healthy[first] += rest;
    else degraded[degradedHealth.findIndex((h) => h > 0)] += rest;
  }
  if (panicThreshold === 0 && total === 0) {
    healthy[0] = 100;
    return { healthy, degraded, panic };
  }
  for (let i = 0; i < count; i++) panic[i] = total !== 100 && availablePercent(sets[i]) < panicThreshold;
  if (panic.every(Boolean)) spreadByHosts(sets, healthy, degraded);
  return { healthy, degraded, panic };
}

/** Percent of its share that a priority can take with these hosts available. */
export function availability(set: HostSet, available: readonly HostImpl[]): number {
  const hosts = set.hosts.length - set.excluded;
  if (hosts === 0) return 0;
  const all = set.weightedHealth ? weightOf(set.hosts.filter((host) => !host.excluded)) : hosts;
  const some = set.weightedHealth ? weightOf(available) : available.length;
  return Math.min(100, Math.floor((set.overprovisioningFactor * some) / all));
}

function weightOf(hosts: readonly HostImpl[]): number {
  return hosts.reduce((sum, host) => sum + host.weight, 0);
}

/** Percent of its hosts that take requests. */
export function availablePercent(set: HostSet): number {
  const hosts = set.hosts.length - set.excluded;
  return hosts === 0 ? 0 : (100 * (set.healthy.length + set.degraded.length)) / hosts;
}

/** Returns what could not be placed. */
function distribute(load: number[], available: readonly number[], start: number, total: number): number {
  let left = start;
  for (let i = 0; i < available.length; i++) {
    load[i] = Math.min(left, Math.floor((available[i] * 100) / total));
    left -= load[i];
  }
  return left;
}

function spreadByHosts(sets: readonly HostSet[], healthy: number[], degraded: number[]): void {
  const hosts = sets.reduce((n, set) => n + set.hosts.length, 0);
  if (hosts === 0) {
    healthy[0] = 100;
    return;
  }
  let left = 100;
  for (let i = 0; i < sets.length; i++) {
    healthy[i] = Math.floor((100 * sets[i].hosts.length) / hosts);
    degraded[i] = 0;
    left -= healthy[i];
  }
  healthy[sets.findIndex((set) => set.hosts.length > 0)] += left;
}
