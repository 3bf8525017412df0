import { parseDuration } from './duration.js';
import { booleanAt, stringAt, stringsAt, type Tree, treeAt } from './tree.js';

export const ROOT_NAMESPACE = 'istio-system';

/** MeshConfig, with the defaults of the standard installation. */
export class Mesh {
  constructor(readonly tree: Tree) {}

  /** Namespace whose DestinationRules, Sidecars, EnvoyFilters and Telemetries hold for the whole mesh. */
  get rootNamespace(): string {
    return stringAt(this.tree, 'rootNamespace') || ROOT_NAMESPACE;
  }

  /** Milliseconds to connect to a server; 10 s. */
  get connectTimeout(): number {
    return this.duration('connectTimeout') ?? 10_000;
  }

  /** Milliseconds between two looks at DNS, where the answer's own lifetime does not say otherwise; 60 s. */
  get dnsRefreshRate(): number {
    return this.duration('dnsRefreshRate') ?? 60_000;
  }

  get tcpKeepalive(): Tree | undefined {
    return treeAt(this.tree, 'tcpKeepalive');
  }

  get upgradesToHttp2(): boolean {
    return stringAt(this.tree, 'h2UpgradePolicy') === 'UPGRADE';
  }

  get defaultHttpRetryPolicy(): Tree | undefined {
    return treeAt(this.tree, 'defaultHttpRetryPolicy');
  }

  get defaultInboundHttpRetryPolicy(): Tree | undefined {
    return treeAt(this.tree, 'defaultInboundHttpRetryPolicy');
  }

  /** Whether a host that nobody registered is passed on to where the connection was going. */
  get allowsAny(): boolean {
    return stringAt(treeAt(this.tree, 'outboundTrafficPolicy'), 'mode') !== 'REGISTRY_ONLY';
  }

  get enableAutoMtls(): boolean {
    return booleanAt(this.tree, 'enableAutoMtls') ?? true;
  }

  /** `connectionSettings` of the default ProxyConfig. */
  get defaultConfig(): Tree {
    return treeAt(this.tree, 'defaultConfig') ?? {};
  }

  get pathNormalization(): string {
    return stringAt(treeAt(this.tree, 'pathNormalization'), 'normalization') || 'DEFAULT';
  }

  get localityLbSetting(): Tree | undefined {
    return treeAt(this.tree, 'localityLbSetting');
  }

  get defaultTrafficPolicy(): Tree | undefined {
    return treeAt(this.tree, 'defaultTrafficPolicy');
  }

  exportTo(field: 'defaultServiceExportTo' | 'defaultVirtualServiceExportTo'): string[] {
    const list = stringsAt(this.tree, field);
    return list.length === 0 ? ['*'] : list;
  }

  private duration(field: string): number | undefined {
    const text = stringAt(this.tree, field);
    return text === '' ? undefined : (parseDuration(text) ?? undefined);
  }
}
