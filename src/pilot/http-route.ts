import type { Findings } from './finding.js';
import type { Resource } from './resource.js';
import type { VirtualService } from './virtual-services.js';

/** VirtualServices of the Gateway API's HTTPRoutes. */
export function httpRoutesOf(_resources: readonly Resource[], _findings: Findings): VirtualService[] {
  return [];
}
