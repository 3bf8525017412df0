import type { EndpointGroup } from '../endpoint-config.js';
import type { HostImpl } from '../host.js';

/** Where the hosts of a cluster come from. */
export interface Discovery {
  /** Begins; `ready` is called once, when the first answer (good or bad) has been dealt with, possibly inside the call. */
  start(ready: () => void): void;
  stop(): void;
  /** Another list of endpoints takes the place of the present one; absent where endpoints are names. */
  update?(groups: readonly EndpointGroup[]): void;
  /** A host that stayed only because it was well has failed a health check. */
  drop?(host: HostImpl): void;
}
