import type { Findings } from '../finding.js';
import type { Resource } from '../resource.js';
import { stringAt } from '../tree.js';
import { checkPeerAuthentication, checkRequestAuthentication } from './authentication.js';
import { checkAuthorizationPolicy } from './authorization-policy.js';
import { Admission } from './common.js';
import { checkDestinationRule } from './destination-rule.js';
import { checkEnvoyFilter } from './envoy-filter.js';
import { checkTrafficExtension, checkWasmPlugin } from './extensions.js';
import { checkGateway } from './gateway.js';
import { checkServiceEntry } from './service-entry.js';
import { checkSidecar } from './sidecar.js';
import { checkTelemetry } from './telemetry.js';
import { checkVirtualService } from './virtual-service.js';
import { checkWorkloadEntry, checkWorkloadGroup } from './workload.js';

/** Checks a document as istiod's admission webhook does. True when it would be taken. */
export function checkAdmission(resource: Resource, findings: Findings): boolean {
  const check = resource.group.endsWith('istio.io') ? CHECKS[resource.kind] : undefined;
  if (check === undefined) return true;
  const admission = new Admission(resource, findings);
  if (checkAnnotations(admission)) check(admission);
  return admission.passed;
}

const CHECKS: Readonly<Record<string, (admission: Admission) => void>> = {
  AuthorizationPolicy: checkAuthorizationPolicy,
  DestinationRule: checkDestinationRule,
  EnvoyFilter: checkEnvoyFilter,
  Gateway: checkGateway,
  PeerAuthentication: checkPeerAuthentication,
  ProxyConfig: (admission) => admission.selector(admission.resource.spec),
  RequestAuthentication: checkRequestAuthentication,
  ServiceEntry: checkServiceEntry,
  Sidecar: checkSidecar,
  Telemetry: checkTelemetry,
  TrafficExtension: checkTrafficExtension,
  VirtualService: checkVirtualService,
  WasmPlugin: checkWasmPlugin,
  WorkloadEntry: checkWorkloadEntry,
  WorkloadGroup: checkWorkloadGroup,
};

const DRY_RUN = 'istio.io/dry-run';
const ALWAYS_REJECTED = 'internal.istio.io/webhook-always-reject';
/** Annotations of documents that istiod makes for itself. */
const INTERNAL = ['internal.istio.io/parent-namespace', 'internal.istio.io/parents'];
/** What Go's strconv.ParseBool takes. */
const BOOLEANS = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Annotations that the webhook looks at first; false when one of them decides. */
function checkAnnotations(admission: Admission): boolean {
  const { annotations, body, kind, spec } = admission.resource;
  const dryRun = annotations[DRY_RUN];
  if (dryRun !== undefined) {
    if (kind !== 'AuthorizationPolicy') {
      admission.refuse(body, 'metadata', `unsupported annotation ${DRY_RUN}, please remove the annotation`);
    } else if (['AUDIT', 'CUSTOM'].includes(stringAt(spec, 'action'))) {
      admission.refuse(body, 'metadata', `the annotation ${DRY_RUN} currently only supports action ALLOW/DENY`);
    } else if (!BOOLEANS.includes(dryRun)) {
      admission.refuse(body, 'metadata', `annotation ${DRY_RUN} with invalid value (${dryRun})`, 'true or false');
    }
  }
  if (annotations[ALWAYS_REJECTED] !== undefined) {
    admission.refuse(body, 'metadata', `"${ALWAYS_REJECTED}" annotation found, rejecting`);
  }
  for (const name of INTERNAL) {
    if (annotations[name] !== undefined) {
      admission.refuse(body, 'metadata', `"${name}" annotation found, this may not be set by users`);
    }
  }
  return admission.passed;
}
