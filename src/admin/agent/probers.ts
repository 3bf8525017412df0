/**
 * The application's probes and lifecycle hooks, which injection has moved into ISTIO_KUBE_APP_PROBERS: the kubelet asks the
 * agent, the agent asks the application. Else a probe would have to pass the sidecar, and would fail with mutual TLS.
 */
export interface HttpGet {
  path: string;
  port: number;
  https: boolean;
}

export type AppProber = { timeoutMs: number } & (
  | { kind: 'httpGet'; httpGet: HttpGet }
  | { kind: 'tcpSocket'; port: number }
  | { kind: 'grpc'; port: number; service: string }
);

const PATH = /^\/(app-health|app-lifecycle)\/[^/]+\/(livez|readyz|startupz|prestopz|poststartz)$/;
const NAME = 'ISTIO_KUBE_APP_PROBERS';

interface RawProber {
  httpGet?: { path?: string; port?: unknown; scheme?: string };
  tcpSocket?: { port?: unknown };
  grpc?: { port?: unknown; service?: string | null };
  timeoutSeconds?: unknown;
}

/**
 * `{"/app-health/CONTAINER/livez": {"httpGet": {...}, "timeoutSeconds": 1}}`; '' gives none. timeoutSeconds absent or 0: no bound,
 * as for lifecycle hooks.
 * @throws Error that names the path
 */
export function parseProbers(text: string): Map<string, AppProber> {
  const probers = new Map<string, AppProber>();
  if (text === '') return probers;
  let raw: Record<string, RawProber>;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new Error(`${NAME}: ${(error as Error).message}`);
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Error(`${NAME}: not an object`);
  for (const [path, prober] of Object.entries(raw)) {
    if (!PATH.test(path)) throw new Error(`${NAME}: '${path}' is no path of a probe`);
    probers.set(path, appProber(path, prober));
  }
  return probers;
}

function appProber(path: string, raw: RawProber): AppProber {
  const kinds = [raw?.httpGet, raw?.tcpSocket, raw?.grpc].filter((kind) => kind !== undefined && kind !== null);
  if (kinds.length !== 1) throw new Error(`${NAME}: ${path} must be one of httpGet, tcpSocket, grpc`);
  const seconds = raw.timeoutSeconds ?? 0;
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0)
    throw new Error(`${NAME}: ${path}: timeoutSeconds is not a whole number`);
  const timeoutMs = seconds * 1000;
  if (raw.httpGet != null) {
    const { path: target = '', scheme = 'HTTP' } = raw.httpGet;
    return {
      timeoutMs,
      kind: 'httpGet',
      httpGet: {
        path: target.startsWith('/') ? target : `/${target}`,
        port: portOf(path, raw.httpGet.port),
        https: scheme.toUpperCase() === 'HTTPS',
      },
    };
  }
  if (raw.tcpSocket != null) return { timeoutMs, kind: 'tcpSocket', port: portOf(path, raw.tcpSocket.port) };
  return { timeoutMs, kind: 'grpc', port: portOf(path, raw.grpc?.port), service: raw.grpc?.service ?? '' };
}

/** Named ports were resolved by injection, which knows the container. */
function portOf(path: string, port: unknown): number {
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error(`${NAME}: ${path}: the port ${JSON.stringify(port)} is not a number of a port`);
  return port;
}
