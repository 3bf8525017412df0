import { ConfigError, nearest } from '../config/error.js';
import { pathOf, positionOf } from '../config/position.js';
import { isType } from './type-url.js';
import type { Address, Bootstrap, HttpConnectionManager, Listener, RouteAction, RouteConfiguration } from './types.js';

/** What takes the whole configuration to see: names that are repeated, clusters that are not there. */
export function checkReferences(bootstrap: Bootstrap): ConfigError[] {
  return new References(bootstrap).check();
}

class References {
  private readonly errors: ConfigError[] = [];
  private readonly clusters = new Set<string>();

  constructor(private readonly bootstrap: Bootstrap) {}

  private report<T extends object>(object: T, field: keyof T & string, reason: string, allowed = ''): void {
    const at = positionOf(object, field) ?? positionOf(object, '');
    this.errors.push(new ConfigError(reason, pathOf(object, field), at, allowed));
  }

  check(): ConfigError[] {
    const { listeners = [], clusters = [] } = this.bootstrap.static_resources ?? {};
    for (const cluster of clusters) {
      if (this.clusters.has(cluster.name))
        this.report(cluster, 'name', `the cluster ${cluster.name} is given twice`, 'every name once');
      this.clusters.add(cluster.name);
    }
    this.checkListeners(listeners);
    this.checkRuntime();
    const local = this.bootstrap.cluster_manager?.local_cluster_name ?? '';
    if (local !== '' && !this.clusters.has(local)) {
      this.report(
        this.bootstrap.cluster_manager!,
        'local_cluster_name',
        `there is no cluster ${JSON.stringify(local)}`,
        this.known(local),
      );
    }
    return this.errors;
  }

  private known(wanted: string): string {
    const names = [...this.clusters];
    const near = nearest(wanted, names);
    if (near.length > 0) return `did you mean ${near.join(' or ')}`;
    const shown = names.slice(0, 20).join(', ');
    return names.length > 20
      ? `one of the ${names.length} clusters, such as ${shown}`
      : shown || 'none, there is no cluster';
  }

  private checkListeners(listeners: Listener[]): void {
    const names = new Set<string>();
    const addresses = new Map<string, string>();
    for (const listener of listeners) {
      if (listener.name !== '' && names.has(listener.name)) {
        this.report(listener, 'name', `the listener ${listener.name} is given twice`, 'every name once');
      }
      names.add(listener.name);
      const bound = listener.bind_to_port !== false && listener.deprecated_v1?.bind_to_port !== false;
      const own = [listener.address, ...listener.additional_addresses.map((entry) => entry.address)];
      for (const address of bound ? own : []) {
        const text = addressText(address);
        if (text === null) continue;
        const other = addresses.get(text);
        if (other !== undefined) {
          this.report(
            listener,
            'address',
            `the address ${text} is that of listener ${other} already`,
            'every address once',
          );
        }
        addresses.set(text, listener.name);
      }
      const last = listener.default_filter_chain;
      for (const chain of last === undefined ? listener.filter_chains : [...listener.filter_chains, last]) {
        for (const { typed_config } of chain.filters) {
          if (isType(typed_config, 'HttpConnectionManager')) this.checkManager(typed_config);
        }
      }
    }
  }

  private checkManager(manager: HttpConnectionManager): void {
    if (manager.route_config !== undefined) this.checkRoutes(manager.route_config);
  }

  /** Routes of a static route configuration are checked unless validate_clusters is false. */
  private checkRoutes(config: RouteConfiguration): void {
    if (config.validate_clusters === false) return;
    const mirrors = (holder: { request_mirror_policies: RouteAction['request_mirror_policies'] } | undefined) => {
      for (const policy of holder?.request_mirror_policies ?? []) this.checkCluster(policy, 'cluster', policy.cluster);
    };
    mirrors(config);
    for (const host of config.virtual_hosts) {
      mirrors(host);
      for (const { route } of host.routes) {
        mirrors(route);
        if (route?.cluster !== undefined) this.checkCluster(route, 'cluster', route.cluster);
        for (const entry of route?.weighted_clusters?.clusters ?? []) this.checkCluster(entry, 'name', entry.name);
      }
    }
  }

  private checkCluster<T extends object>(object: T, field: keyof T & string, name: string): void {
    if (name !== '' && !this.clusters.has(name)) {
      this.report(object, field, `there is no cluster ${JSON.stringify(name)}`, this.known(name));
    }
  }

  private checkRuntime(): void {
    const names = new Set<string>();
    let admin = false;
    for (const layer of this.bootstrap.layered_runtime?.layers ?? []) {
      if (names.has(layer.name))
        this.report(layer, 'name', `the runtime layer ${layer.name} is given twice`, 'every name once');
      names.add(layer.name);
      if (layer.admin_layer === undefined) continue;
      if (admin) this.report(layer, 'admin_layer', 'there are two admin layers', 'at most one');
      admin = true;
    }
  }
}

/** `ip:port` or the path of a pipe; null for a port that the system chooses. */
function addressText(address: Address | undefined): string | null {
  if (address?.pipe !== undefined) return address.pipe.path;
  const socket = address?.socket_address;
  if (socket === undefined || !socket.port_value) return null;
  return socket.address.includes(':')
    ? `[${socket.address}]:${socket.port_value}`
    : `${socket.address}:${socket.port_value}`;
}
