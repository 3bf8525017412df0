import { numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';

/** The parts of a trafficPolicy that make a cluster; each keeps the document's own object, so that it knows its lines. */
export interface Policy {
  connectionPool?: Tree;
  outlierDetection?: Tree;
  loadBalancer?: Tree;
  tls?: Tree;
  retryBudget?: Tree;
}

const PARTS = ['connectionPool', 'outlierDetection', 'loadBalancer', 'tls', 'retryBudget'] as const;
/** What `portLevelSettings` may hold: for its port they replace the whole of these. */
const PORT_PARTS = ['connectionPool', 'outlierDetection', 'loadBalancer', 'tls'] as const;

function pick(tree: Tree | undefined, parts: readonly (keyof Policy)[]): Policy {
  const out: Policy = {};
  for (const part of parts) {
    const value = treeAt(tree, part);
    if (value !== undefined) out[part] = value;
  }
  return out;
}

function forPort(policy: Tree | undefined, port: number): { policy: Policy; ofPort: boolean } {
  const setting = treesAt(policy, 'portLevelSettings').find((s) => numberAt(treeAt(s, 'port'), 'number') === port);
  return setting === undefined
    ? { policy: pick(policy, PARTS), ofPort: false }
    : { policy: pick(setting, PORT_PARTS), ofPort: true };
}

/** The policy of a DestinationRule for one port, over the mesh's own for what it leaves out. */
export function policyForPort(policy: Tree | undefined, mesh: Tree | undefined, port: number): Policy {
  const out = forPort(policy, port).policy;
  for (const part of ['connectionPool', 'outlierDetection'] as const) {
    const value = treeAt(mesh, part);
    if (out[part] === undefined && value !== undefined) out[part] = value;
  }
  return out;
}

/** The policy of a subset: part by part over that of its rule; settings for the port replace all four parts. */
export function subsetPolicy(rule: Policy, subset: Tree | undefined, port: number): Policy {
  const own = treeAt(subset, 'trafficPolicy');
  if (own === undefined) return rule;
  const { policy, ofPort } = forPort(own, port);
  const out: Policy = { ...rule };
  for (const part of PARTS) {
    if (policy[part] !== undefined) out[part] = policy[part];
    else if (ofPort && (PORT_PARTS as readonly string[]).includes(part)) delete out[part];
  }
  return out;
}

/** Whether the load balancer only passes connections on to where they were going. */
export function isPassthrough(policy: Policy): boolean {
  return stringAt(policy.loadBalancer, 'simple') === 'PASSTHROUGH';
}
