import type { IncomingHttpHeaders } from 'node:http';
import { SIDECAR_PORTS } from '../../config/sidecar-ports.js';
import { bound, fetchOnce } from './fetch.js';

/** A metrics page of the application. */
export interface ScrapeTarget {
  port: number;
  /** Default `/metrics`. */
  path: string;
}

const NAME = 'ISTIO_PROMETHEUS_ANNOTATIONS';

/**
 * `{"scrape":"true","port":"8080","path":"/metrics"}`, what injection found in the annotations prometheus.io/...; newer ones have
 * `targets` as well, which then count. '' and scrape `false` give none.
 * @throws Error that names the port
 */
export function parseScrape(text: string, statusPort: number): ScrapeTarget[] {
  if (text === '') return [];
  let raw: { scrape?: string; port?: string; path?: string; targets?: { port?: string; path?: string }[] };
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new Error(`${NAME}: ${(error as Error).message}`);
  }
  if (typeof raw !== 'object' || raw === null) throw new Error(`${NAME}: not an object`);
  if (raw.scrape === 'false') return [];
  const given = raw.targets?.length ? raw.targets : [{ port: raw.port || '80', path: raw.path }];
  return given.map(({ port = '', path }) => {
    const number = /^\d+$/.test(port) ? Number(port) : 0;
    if (number < 1 || number > 65535) throw new Error(`${NAME}: '${port}' is not a port`);
    const reserved = number === statusPort ? 'the agent' : SIDECAR_PORTS.get(number);
    if (reserved !== undefined)
      throw new Error(
        `${NAME}: port ${number} is no port of the application (${reserved}); was the pod injected twice?`,
      );
    return { port: number, path: path || '/metrics' };
  });
}

export interface MetricsPage {
  contentType: string;
  body: string;
}

/** Bytes that the page of one target may have. */
const LIMIT = 10 << 20;
const DEFAULT_TIMEOUT_MS = 10_000;
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN_METRICS = 'application/openmetrics-text';

/**
 * The page of 15020: the proxy's series, then the application's, as pilot-agent merges them. The format is the application's:
 * OpenMetrics when Prometheus asks for it and every target answers so, else text. A target that fails is left out, told
 * and counted; the page is served all the same.
 */
export async function mergedMetrics(
  own: string,
  targets: readonly ScrapeTarget[],
  asked: IncomingHttpHeaders,
  failed: (target: ScrapeTarget, reason: string) => void,
): Promise<MetricsPage> {
  const signal = bound(scrapeTimeout(asked));
  const answers = await Promise.all(
    targets.map((target) =>
      fetchOnce({
        host: 'localhost',
        port: target.port,
        path: target.path,
        headers: scrapeHeaders(asked),
        signal,
        limit: LIMIT,
        over: 'fail',
      }).then(
        (answer) => {
          if (answer.status === 200) return answer;
          failed(target, `status ${answer.status}`);
          return null;
        },
        (error: Error) => {
          failed(target, error.message);
          return null;
        },
      ),
    ),
  );
  const pages = answers.filter((answer) => answer !== null);
  const open = pages.length > 0 && pages.every(({ headers }) => mediaType(headers['content-type']) === OPEN_METRICS);
  let body = open ? withoutBlankLines(own) : own;
  for (const page of pages) body += endsInNewline(withoutEof(page.body.toString()));
  return open
    ? { contentType: pages[0].headers['content-type']!, body: `${body}# EOF\n` }
    : { contentType: TEXT, body };
}

/** X-Prometheus-Scrape-Timeout-Seconds, else 10 s: from the request to the last byte of the application's page. */
function scrapeTimeout(asked: IncomingHttpHeaders): number {
  const seconds = Number(asked['x-prometheus-scrape-timeout-seconds']);
  return seconds > 0 ? Math.ceil(seconds * 1000) : DEFAULT_TIMEOUT_MS;
}

function scrapeHeaders(asked: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = { accept: acceptedTypes(asked.accept) };
  for (const name of ['user-agent', 'x-prometheus-scrape-timeout-seconds'] as const) {
    const value = asked[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

/** What can be merged of the formats that Prometheus asks for, in its order: text and OpenMetrics, not protobuf. */
export function acceptedTypes(accept = ''): string {
  const types: string[] = [];
  for (const entry of accept.split(',')) {
    const [type, ...parameters] = entry.split(';').map((part) => part.trim());
    const wanted = type === '*/*' || type === '*' ? 'text/plain' : type === 'application/*' ? OPEN_METRICS : type;
    if (wanted !== 'text/plain' && wanted !== OPEN_METRICS) continue;
    const kept = parameters.filter((parameter) => !/^(q|escaping)=/i.test(parameter) && parameter !== '');
    if (kept.length === 0) kept.push(wanted === OPEN_METRICS ? 'version=0.0.1' : 'version=0.0.4');
    const text = [wanted, ...kept].join(';');
    if (!types.includes(text)) types.push(text);
  }
  if (types.length === 0) return 'text/plain;version=0.0.4';
  return types.map((text, i) => `${text};q=0.${Math.max(1, 9 - i)}`).join(',');
}

function mediaType(contentType = ''): string {
  return contentType.split(';')[0].trim().toLowerCase();
}

/** OpenMetrics ends with this line; what follows it would not be read. */
function withoutEof(body: string): string {
  const trimmed = body.trimEnd();
  return trimmed === '# EOF' || trimmed.endsWith('\n# EOF') ? trimmed.slice(0, -'# EOF'.length) : body;
}

const endsInNewline = (body: string) => (body === '' || body.endsWith('\n') ? body : `${body}\n`);

/** OpenMetrics allows no empty line. */
const withoutBlankLines = (text: string) => text.replace(/\n{2,}/g, '\n').replace(/^\n/, '');
