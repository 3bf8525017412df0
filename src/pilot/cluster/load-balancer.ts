import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import type { Profile } from '../profile.js';
import { allFrom, booleanAt, comesFrom, isTree, numberAt, stringAt, type Tree, treeAt } from '../tree.js';

/** The locality settings in force: those of the rule, else the mesh's; null when they are turned off. */
export function localitySetting(loadBalancer: Tree | undefined, mesh: Tree | undefined): Tree | null {
  const own = treeAt(loadBalancer, 'localityLbSetting');
  const setting = own ?? mesh;
  if (setting === undefined) return {};
  return booleanAt(setting, 'enabled') === false ? null : setting;
}

/** Writes the choice of a host, and whether localities are weighted. */
export function writeLoadBalancer(
  cluster: Tree,
  loadBalancer: Tree | undefined,
  profile: Profile,
  locality: Tree | null,
): void {
  const common = cluster['common_lb_config'] as Tree;
  const failsOver = cluster['outlier_detection'] !== undefined;
  const listed = (field: string) => Array.isArray(locality?.[field]);
  if (listed('distribute') || (failsOver && (listed('failover') || listed('failoverPriority')))) {
    common['locality_weighted_lb_config'] = {};
    if (locality !== null) comesFrom(common, 'locality_weighted_lb_config', locality, '');
  }
  if (cluster['type'] === 'ORIGINAL_DST') {
    cluster['lb_policy'] = 'CLUSTER_PROVIDED';
    return;
  }
  const simple = stringAt(loadBalancer, 'simple');
  switch (simple) {
    case 'RANDOM':
      cluster['lb_policy'] = 'RANDOM';
      break;
    case 'ROUND_ROBIN':
    case 'LEAST_CONN':
    case 'LEAST_REQUEST':
      cluster['lb_policy'] = simple === 'ROUND_ROBIN' ? simple : 'LEAST_REQUEST';
      writeWarmup(cluster, loadBalancer);
      break;
    case 'PASSTHROUGH':
      cluster['type'] = 'ORIGINAL_DST';
      cluster['lb_policy'] = 'CLUSTER_PROVIDED';
      delete cluster['load_assignment'];
      break;
    default:
      cluster['lb_policy'] = profile.defaultLoadBalancer;
      writeWarmup(cluster, loadBalancer);
  }
  if (loadBalancer !== undefined && simple !== '') comesFrom(cluster, 'lb_policy', loadBalancer, 'simple');
  const hash = treeAt(loadBalancer, 'consistentHash');
  if (hash !== undefined && loadBalancer !== undefined) writeConsistentHash(cluster, loadBalancer, hash);
}

function writeWarmup(cluster: Tree, loadBalancer: Tree | undefined): void {
  const warmup = treeAt(loadBalancer, 'warmup');
  const seconds = parseDuration(stringAt(loadBalancer, 'warmupDurationSecs'));
  let slow: Tree | null = null;
  const number = (tree: Tree, field: string, without: number) => {
    const value = tree[field];
    return isTree(value) ? (numberAt(value, 'value') ?? without) : typeof value === 'number' ? value : without;
  };
  if (warmup !== undefined) {
    const window = parseDuration(stringAt(warmup, 'duration'));
    slow = {
      aggression: { default_value: number(warmup, 'aggression', 1), runtime_key: '(' },
      min_weight_percent: { value: number(warmup, 'minimumPercent', 10) },
    };
    if (window !== null) slow['slow_start_window'] = formatDuration(window);
    allFrom(slow, warmup);
  } else if (seconds !== null && loadBalancer !== undefined) {
    slow = { slow_start_window: formatDuration(seconds) };
    comesFrom(slow, 'slow_start_window', loadBalancer, 'warmupDurationSecs');
  }
  if (slow === null) return;
  const name = cluster['lb_policy'] === 'ROUND_ROBIN' ? 'round_robin_lb_config' : 'least_request_lb_config';
  cluster[name] = { slow_start_config: slow };
}

function writeConsistentHash(cluster: Tree, loadBalancer: Tree, hash: Tree): void {
  const maglev = treeAt(hash, 'maglev');
  const ring = treeAt(hash, 'ringHash');
  delete cluster['round_robin_lb_config'];
  delete cluster['least_request_lb_config'];
  const size = (tree: Tree, field: string) => {
    const value = tree[field];
    return typeof value === 'number' || typeof value === 'string' ? String(value) : '0';
  };
  if (maglev !== undefined) {
    cluster['lb_policy'] = 'MAGLEV';
    if (size(maglev, 'tableSize') !== '0') cluster['maglev_lb_config'] = { table_size: size(maglev, 'tableSize') };
  } else {
    cluster['lb_policy'] = 'RING_HASH';
    const written = ring === undefined ? size(hash, 'minimumRingSize') : size(ring, 'minimumRingSize');
    const least = written === '0' && ring === undefined ? '1024' : written;
    if (least !== '0') cluster['ring_hash_lb_config'] = { minimum_ring_size: least };
  }
  comesFrom(cluster, 'lb_policy', loadBalancer, 'consistentHash');
}
