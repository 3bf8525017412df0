import { H } from '../base/header-names.js';
import { addFlag } from '../observe/flags.js';
import type { Cluster } from '../upstream/types.js';
import type { Router } from './router.js';

/** Refuses the cluster's share of requests (drop_overloads); true when this one has been answered. */
export function dropsOverload(router: Router, cluster: Cluster): boolean {
  const { callbacks, config } = router;
  const always = cluster.dropOverload === 1;
  if (!always && callbacks.dispatcher.random.u32() / 2 ** 32 >= cluster.dropOverload) return false;
  addFlag(callbacks.info, always ? 'UDO' : 'DO');
  router.charge(503, null);
  if (!config.suppressEnvoyHeaders)
    router.dropHeader = always ? H.xEnvoyUnconditionalDropOverload : H.xEnvoyDropOverload;
  if (always) callbacks.sendLocalReply(503, 'unconditional drop overload', 'unconditional_drop_overload', router);
  else callbacks.sendLocalReply(503, 'drop overload', 'drop_overload', router);
  return true;
}
