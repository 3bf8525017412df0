/** The parts of Kubernetes objects that injection reads or writes (core/v1); everything else passes through untouched. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  [field: string]: unknown;
}

export interface OwnerReference {
  apiVersion?: string;
  kind: string;
  name: string;
  controller?: boolean;
}

export interface Pod {
  metadata?: ObjectMeta;
  spec?: PodSpec;
  [field: string]: unknown;
}

export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  hostNetwork?: boolean;
  dnsPolicy?: string;
  os?: { name?: string };
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  volumeMounts?: VolumeMount[];
  restartPolicy?: string;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop?: Handler; postStart?: Handler };
  [field: string]: unknown;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
  [field: string]: unknown;
}

export interface Volume {
  name: string;
  [source: string]: unknown;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  [field: string]: unknown;
}

/** The action of a probe or of a lifecycle hook. */
export interface Handler {
  httpGet?: { path?: string; port: number | string; scheme?: string; host?: string; httpHeaders?: unknown };
  tcpSocket?: { port: number | string; host?: string };
  grpc?: { port: number; service?: string | null };
  [field: string]: unknown;
}

export interface Probe extends Handler {
  timeoutSeconds?: number;
}

/** What injection has to say about a pod; `path` leads from the pod to the field. */
export interface Finding {
  message: string;
  path: readonly (string | number)[];
}

/** A pod that cannot be injected as it asks to be. */
export class InjectError extends Error {
  override readonly name = 'InjectError';

  constructor(readonly findings: readonly Finding[]) {
    super(findings.map(({ message, path }) => `${path.join('.')}: ${message}`).join('\n'));
  }
}
