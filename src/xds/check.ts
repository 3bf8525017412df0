import { CLUSTER_CHECKS } from './check-cluster.js';
import { FILTER_CHECKS } from './check-filter.js';
import { LISTENER_CHECKS } from './check-listener.js';
import { ROUTE_CHECKS } from './check-route.js';
import type { Messages } from './messages.js';

/** Reports a mistake in `object[field]`; field '' is the object itself. */
export type Report = <T extends object>(
  object: T,
  field: (keyof T & string) | '',
  reason: string,
  allowed?: string,
) => void;

export type Checks = { [K in keyof Messages]?: (message: Messages[K], report: Report) => void };

/**
 * What Envoy refuses beyond the constraints of the API, where one message is enough to see it. Run for every message of that kind
 * when it has been decoded without a mistake. What takes several messages to see is checked in `bootstrap.ts`.
 */
export const CHECKS: Checks = { ...ROUTE_CHECKS, ...CLUSTER_CHECKS, ...LISTENER_CHECKS, ...FILTER_CHECKS };
