import { nearest } from '../config/error.js';
import type { Finding, ObjectMeta } from './types.js';
import * as check from './values.js';

/** The annotations of a pod that injection honours, with the check that Istio's injector makes. */
const HONOURED: Readonly<Record<string, check.Check>> = {
  'sidecar.istio.io/inject': () => null,
  'sidecar.istio.io/nativeSidecar': check.bool,
  'sidecar.istio.io/proxyImage': check.image,
  'sidecar.istio.io/proxyCPU': check.quantity,
  'sidecar.istio.io/proxyMemory': check.quantity,
  'sidecar.istio.io/proxyCPULimit': check.quantity,
  'sidecar.istio.io/proxyMemoryLimit': check.quantity,
  'sidecar.istio.io/interceptionMode': check.mode,
  'sidecar.istio.io/logLevel': check.logLevel,
  'sidecar.istio.io/rewriteAppHTTPProbers': check.bool,
  'sidecar.istio.io/userVolume': check.jsonObject,
  'sidecar.istio.io/userVolumeMount': check.jsonObject,
  'sidecar.istio.io/status': () => null,
  'status.sidecar.istio.io/port': check.port,
  'readiness.status.sidecar.istio.io/initialDelaySeconds': check.uint32,
  'readiness.status.sidecar.istio.io/periodSeconds': check.uint32,
  'readiness.status.sidecar.istio.io/failureThreshold': check.uint32,
  'traffic.sidecar.istio.io/includeInboundPorts': check.portsOrAll,
  'traffic.sidecar.istio.io/excludeInboundPorts': check.ports,
  'traffic.sidecar.istio.io/includeOutboundPorts': check.portsOrAll,
  'traffic.sidecar.istio.io/excludeOutboundPorts': check.ports,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': check.networksOrAll,
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': check.networks,
  'traffic.sidecar.istio.io/excludeInterfaces': check.interfaces,
  'traffic.sidecar.istio.io/kubevirtInterfaces': check.interfaces,
  'prometheus.istio.io/merge-metrics': check.bool,
  'proxy.istio.io/config': () => null,
};

/** Istio's, and without effect here: told, so that nobody relies on them. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'sidecar.istio.io/agentLogLevel': 'proxy and agent are one process; use sidecar.istio.io/logLevel',
  'sidecar.istio.io/bootstrapOverride': 'there is no bootstrap to override',
  'sidecar.istio.io/capNetBindService': 'the sidecar listens on ports above 1024 only',
  'sidecar.istio.io/componentLogLevel': 'there are no components with log levels of their own',
  'sidecar.istio.io/controlPlaneAuthPolicy': 'it is of Istio releases that are gone',
  'sidecar.istio.io/discoveryAddress': 'the configuration comes from the API server or a ConfigMap',
  'sidecar.istio.io/enableCoreDump': 'there are no core dumps',
  'sidecar.istio.io/extraStatTags': 'the tags are the standard ones',
  'sidecar.istio.io/proxyImageType': 'there is one type of image; use sidecar.istio.io/proxyImage',
  'sidecar.istio.io/statsCompression': 'metrics are not compressed',
  'sidecar.istio.io/statsEvictionInterval': 'series are not evicted',
  'sidecar.istio.io/statsHistogramBuckets': 'the buckets are the standard ones',
  'sidecar.istio.io/statsInclusionPrefixes': 'all statistics are there',
  'sidecar.istio.io/statsInclusionRegexps': 'all statistics are there',
  'sidecar.istio.io/statsInclusionSuffixes': 'all statistics are there',
  'readiness.status.sidecar.istio.io/applicationPorts': 'Istio dropped it as well; use a readiness probe',
  'proxy.istio.io/overrides': 'it is written by injection, not read',
  'inject.istio.io/templates': 'there is one template',
};

/** Whose annotations must be known. */
const FAMILIES = /^((status|readiness\.status|traffic)\.)?sidecar\.istio\.io\/|^(proxy|inject)\.istio\.io\//;

/** What is wrong with the annotations: `errors` forbid the injection, `warnings` are told. */
export function checkAnnotations(metadata: ObjectMeta): { errors: Finding[]; warnings: Finding[] } {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for (const [name, value] of Object.entries(metadata.annotations ?? {})) {
    const path = ['metadata', 'annotations', name];
    if (typeof value !== 'string')
      errors.push({ path, message: `${JSON.stringify(value)} is no text: put it in quotes` });
    else if (Object.hasOwn(HONOURED, name)) {
      const problem = HONOURED[name](value);
      if (problem !== null) errors.push({ path, message: problem });
    } else if (Object.hasOwn(WITHOUT_EFFECT, name)) {
      warnings.push({ path, message: `has no effect: ${WITHOUT_EFFECT[name]}` });
    } else if (FAMILIES.test(name)) {
      const [guess] = nearest(name, Object.keys(HONOURED));
      warnings.push({ path, message: `unknown annotation${guess === undefined ? '' : `; did you mean ${guess}?`}` });
    }
  }
  return { errors, warnings };
}
