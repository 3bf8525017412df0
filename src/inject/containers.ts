import type { Workload } from './identity.js';
import { INIT, type InjectOptions, PROXY, PROXY_ID } from './options.js';
import type { PodSettings } from './settings.js';
import type { Container, EnvVar, Handler, PodSpec, Volume, VolumeMount } from './types.js';

const CONFIG_FOLDER = '/etc/halfopen/config';
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const DRAIN_SECONDS = 45;

/** The init container that writes the redirect rules; needs NET_ADMIN, unlike the sidecar. */
export function initContainer(settings: PodSettings, options: InjectOptions): Container {
  return {
    name: INIT,
    image: settings.image,
    ...pullPolicy(options),
    args: ['redirect', '--apply', ...redirectFlags(settings)],
    resources: settings.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}

/** Flags of istio-iptables. */
function redirectFlags({ capture, statusPort, interception }: PodSettings): string[] {
  const excluded = capture.excludeInboundPorts.split(',').map((port) => port.trim());
  if (statusPort !== 0 && !excluded.includes(String(statusPort))) excluded.push(String(statusPort));
  const flags = ['-p', '15001', '-z', '15006', '-u', String(PROXY_ID), '-g', String(PROXY_ID), '-m', interception];
  flags.push('-i', capture.includeOutboundIPRanges, '-x', capture.excludeOutboundIPRanges);
  flags.push('-b', capture.includeInboundPorts);
  flags.push('-d', ['15090', '15021', ...excluded.filter((port) => port !== '')].join(','));
  if (capture.includeOutboundPorts !== undefined) flags.push('-q', capture.includeOutboundPorts);
  if (capture.excludeOutboundPorts !== undefined) flags.push('-o', capture.excludeOutboundPorts);
  if (capture.kubevirtInterfaces !== undefined) flags.push('-k', capture.kubevirtInterfaces);
  if (capture.excludeInterfaces !== undefined) flags.push('-c', capture.excludeInterfaces);
  return flags;
}

/** The sidecar; `environment` is what injection has found out about the pod. */
export function proxyContainer(
  settings: PodSettings,
  options: InjectOptions,
  environment: readonly EnvVar[],
): Container {
  const { proxy, statusPort } = settings;
  const args = ['run'];
  if (statusPort !== 0) args.push('--agent', '--status-port', String(statusPort));
  if (options.source.kind === 'kubernetes') args.push('--kubernetes');
  else args.push('--config', CONFIG_FOLDER);
  if (settings.interception !== 'NONE') args.push('--capture');
  args.push('--drain-time-s', String(proxy.drainSeconds ?? DRAIN_SECONDS), '--drain-strategy', 'immediate');
  args.push('--log-level', settings.logLevel);
  const lifecycle = hooks(settings);
  return {
    name: PROXY,
    image: settings.image,
    ...pullPolicy(options),
    ...(settings.native && { restartPolicy: 'Always' }),
    args,
    env: [...environment],
    ports: [{ name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }],
    ...(lifecycle !== null && { lifecycle }),
    ...(statusPort !== 0 && {
      startupProbe: {
        httpGet: READY,
        initialDelaySeconds: 0,
        periodSeconds: 1,
        timeoutSeconds: 3,
        failureThreshold: 600,
      },
      readinessProbe: { httpGet: READY, timeoutSeconds: 3, ...settings.readiness },
    }),
    resources: settings.resources,
    securityContext: proxySecurity(settings),
    volumeMounts: mounts(settings, options),
  };
}

/** Transparent sockets (TPROXY) need NET_ADMIN, which a process gets as root only; the group keeps it out of the redirect rules. */
function proxySecurity({ interception }: PodSettings): object {
  const transparent = interception === 'TPROXY';
  return {
    allowPrivilegeEscalation: false,
    capabilities: { ...(transparent && { add: ['NET_ADMIN'] }), drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsGroup: PROXY_ID,
    runAsNonRoot: !transparent,
    runAsUser: transparent ? 0 : PROXY_ID,
  };
}

const READY = { path: '/healthz/ready', port: 15021 };

/**
 * A native sidecar begins to drain when the pod begins to end, and is told to end after the application. A classic one for which
 * the application must wait comes first and holds it up until it is ready.
 */
function hooks({ native, proxy, statusPort }: PodSettings): { preStop?: Handler; postStart?: Handler } | null {
  if (native && statusPort !== 0)
    return {
      preStop: { exec: { command: ['halfopen', 'request', '--debug-port', String(statusPort), 'POST', 'drain'] } },
    };
  if (!native && proxy.holdApplicationUntilProxyStarts === true)
    return { postStart: { exec: { command: ['halfopen', 'wait'] } } };
  return null;
}

function pullPolicy({ imagePullPolicy }: InjectOptions): { imagePullPolicy?: string } {
  return imagePullPolicy === '' ? {} : { imagePullPolicy };
}

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** What the sidecar knows of its pod, under the names that Istio's agent has for it. */
export function environmentOf(
  spec: PodSpec,
  workload: Workload,
  settings: PodSettings,
  options: InjectOptions,
): EnvVar[] {
  const containers = (spec.containers ?? []).filter(({ name }) => name !== PROXY);
  const ports = containers.flatMap((container) => container.ports ?? []);
  const { proxy } = settings;
  const environment: EnvVar[] = [
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('INSTANCE_IP', 'status.podIP'),
    field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    { name: 'ISTIO_META_POD_PORTS', value: JSON.stringify(ports) },
    { name: 'ISTIO_META_APP_CONTAINERS', value: containers.map(({ name }) => name).join(',') },
    { name: 'ISTIO_META_CLUSTER_ID', value: options.clusterId },
    { name: 'ISTIO_META_INTERCEPTION_MODE', value: settings.interception },
    { name: 'ISTIO_META_WORKLOAD_NAME', value: workload.name },
    { name: 'ISTIO_META_OWNER', value: ownerOf(workload) },
    { name: 'ISTIO_META_MESH_ID', value: options.trustDomain },
    { name: 'TRUST_DOMAIN', value: options.trustDomain },
    { name: 'DOMAIN_SUFFIX', value: options.clusterDomain },
  ];
  if (proxy.terminationDrainSeconds !== undefined)
    environment.push({ name: 'TERMINATION_DRAIN_DURATION_SECONDS', value: String(proxy.terminationDrainSeconds) });
  for (const [name, value] of Object.entries(proxy.proxyMetadata)) environment.push({ name, value });
  return environment;
}

function ownerOf({ apiVersion, kind, name, namespace }: Workload): string {
  return `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
}

function mounts(settings: PodSettings, options: InjectOptions): VolumeMount[] {
  const list: VolumeMount[] = [{ name: 'istio-podinfo', mountPath: '/etc/istio/pod', readOnly: true }];
  if (options.source.kind === 'configmap')
    list.push({ name: 'halfopen-config', mountPath: CONFIG_FOLDER, readOnly: true });
  else list.push({ name: 'halfopen-token', mountPath: TOKEN_FOLDER, readOnly: true });
  for (const [name, mount] of settings.userVolumeMounts) list.push({ name, ...(mount as { mountPath: string }) });
  return list;
}

export function volumesOf(settings: PodSettings, options: InjectOptions): Volume[] {
  const info = (path: string) => ({ path, fieldRef: { fieldPath: `metadata.${path}` } });
  const list: Volume[] = [{ name: 'istio-podinfo', downwardAPI: { items: [info('labels'), info('annotations')] } }];
  if (options.source.kind === 'configmap')
    list.push({ name: 'halfopen-config', configMap: { name: options.source.name } });
  // Its own, since a pod may have no token (automountServiceAccountToken: false) while the sidecar needs one.
  else list.push({ name: 'halfopen-token', projected: { defaultMode: 420, sources: TOKEN_SOURCES } });
  for (const [name, source] of settings.userVolumes) list.push({ name, ...source });
  return list;
}

const TOKEN_SOURCES = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
];
