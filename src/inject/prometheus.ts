import { SIDECAR_PORTS } from '../config/sidecar-ports.js';
import { InjectError, type ObjectMeta } from './types.js';
import { parseBool } from './values.js';

const PREFIX = 'prometheus.io/';
const TARGETS = 'prometheus.istio.io/scrape-targets';

/**
 * Points the pod's prometheus.io annotations at the merged metrics of the agent. Returns what the agent must scrape of the
 * application (ISTIO_PROMETHEUS_ANNOTATIONS), or '' when the pod names nothing. A pod with prometheus.io/scrape "false" stays as it is.
 * @throws InjectError for a port that is no application's
 */
export function mergePrometheus(metadata: ObjectMeta, statusPort: number): string {
  const annotations = (metadata.annotations ??= {});
  const given = (name: string) => annotations[PREFIX + name];
  if (parseBool(given('scrape') ?? 'true') === false) return '';
  if (given('port') === String(statusPort)) return '';
  const targets = scrapeTargets(annotations[TARGETS]);
  const scrape = {
    scrape: given('scrape') ?? '',
    path: targets[0]?.path ?? given('path') ?? '',
    port: targets[0]?.port ?? given('port') ?? '',
    ...(targets.length > 0 && { targets }),
  };
  if (targets.length > 0) for (const { port } of targets) checkPort(port, statusPort, TARGETS);
  else if (scrape.port !== '') checkPort(scrape.port, statusPort, `${PREFIX}port`);
  delete annotations[TARGETS];
  annotations[`${PREFIX}scrape`] = 'true';
  annotations[`${PREFIX}port`] = String(statusPort);
  annotations[`${PREFIX}path`] = '/stats/prometheus';
  return scrape.scrape === '' && scrape.path === '' && scrape.port === '' ? '' : JSON.stringify(scrape);
}

/** `8080:/metrics,9090`. */
function scrapeTargets(text = ''): { port: string; path: string }[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const colon = entry.indexOf(':');
      const path = colon < 0 ? '' : entry.slice(colon + 1).trim();
      return { port: (colon < 0 ? entry : entry.slice(0, colon)).trim(), path: path || '/metrics' };
    });
}

function checkPort(port: string, statusPort: number, annotation: string): void {
  const number = /^\d+$/.test(port) ? Number(port) : 0;
  const path = ['metadata', 'annotations', annotation];
  if (number < 1 || number > 65535) throw new InjectError([{ path, message: `'${port}' is not a port` }]);
  const reserved = number === statusPort ? 'the agent' : SIDECAR_PORTS.get(number);
  if (reserved !== undefined)
    throw new InjectError([
      { path, message: `port ${number} is the sidecar's (${reserved}), it has no metrics of the application` },
    ]);
}
