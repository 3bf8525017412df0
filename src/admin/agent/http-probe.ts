import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { bound, fetchOnce, readBody } from './fetch.js';
import type { HttpGet } from './probers.js';
import type { AgentSettings } from './settings.js';

/** Bytes of the application's answer that the kubelet gets to see, as from pilot-agent. */
const BODY_LIMIT = 10 << 10;
/** Redirects that the kubelet follows on the probed host. */
const MAX_REDIRECTS = 10;

/**
 * Forwards the kubelet's GET to the application, with its headers. The answer is the application's status and the beginning
 * of its body; 500 when there is none in time. A redirect on the same host is followed, one that leads elsewhere is a success
 * (200), both as the kubelet has it.
 */
export async function httpProbe(
  request: IncomingMessage,
  response: ServerResponse,
  probe: HttpGet,
  timeoutMs: number,
  settings: AgentSettings,
): Promise<void> {
  // Loaded at the first probe: a pod without HTTP probes does not pay for it.
  const { default: proxy } = await import('http2-proxy');
  const signal = bound(timeoutMs);
  const host = settings.probeDestination;
  const headers = forwarded(request, probe.port, settings.statusPort);
  const onReq = (_request: IncomingMessage, options: RequestOptions): Promise<ClientRequest> => {
    const ask = probe.https ? httpsRequest : httpRequest;
    const tls = probe.https ? { rejectUnauthorized: false } : {};
    const { probeSource: localAddress } = settings;
    const { port, path } = probe;
    return Promise.resolve(
      ask({ method: options.method, host, port, path, headers, localAddress, signal, agent: false, ...tls }),
    );
  };
  const onRes = async (_request: IncomingMessage, _response: ServerResponse, answer: unknown): Promise<void> => {
    const first = answer as IncomingMessage;
    let status = first.statusCode ?? 500;
    let location = first.headers.location;
    let body = await readBody(first, BODY_LIMIT, 'cut');
    const origin = `${probe.https ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${probe.port}`;
    let at = new URL(origin + probe.path);
    const probed = hostname(headers.host) || at.hostname;
    for (let followed = 0; isRedirect(status); followed++) {
      const next = location === undefined || !URL.canParse(location, at.href) ? null : new URL(location, at);
      if (next === null || (next.hostname !== at.hostname && next.hostname !== probed)) {
        status = 200;
        body = Buffer.alloc(0);
        break;
      }
      if (followed >= MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
      const https = next.protocol === 'https:';
      const port = next.port === '' ? (https ? 443 : 80) : Number(next.port);
      const answered = await fetchOnce({
        https,
        host,
        port,
        path: next.pathname + next.search,
        headers,
        localAddress: settings.probeSource,
        signal,
        limit: BODY_LIMIT,
        over: 'cut',
      });
      at = next;
      ({ status, body } = answered);
      location = answered.headers.location;
    }
    response.statusCode = status;
    response.end(body);
  };
  await proxy.web(request, response, { hostname: host, port: probe.port, onReq, onRes });
}

const isRedirect = (status: number) => status >= 300 && status < 400;

/** `a:80` and `[::1]:80` without the port. */
function hostname(authority: string): string {
  return URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`).hostname : '';
}

type ProbeHeaders = Record<string, string | string[]> & { host: string };

/** The kubelet's headers without those of its connection; the agent's port in Host becomes the application's. */
function forwarded(request: IncomingMessage, port: number, statusPort: number): ProbeHeaders {
  const headers: ProbeHeaders = { host: '' };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || HOP_BY_HOP.includes(name)) continue;
    headers[name] = value;
  }
  const { host } = headers;
  const suffix = `:${statusPort}`;
  headers.host = host.endsWith(suffix) ? `${host.slice(0, -suffix.length)}:${port}` : host;
  return headers;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-connection'];
