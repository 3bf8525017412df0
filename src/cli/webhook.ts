import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Dispatcher } from '../base/dispatcher.js';
import { Timer } from '../base/timer-wheel.js';
import { watchFiles } from '../config/watch.js';
import type { InjectOptions } from '../inject/options.js';
import { type Api, podApi } from '../inject/webhook/api.js';
import { type BootstrapOptions, sharedCertificates, trust } from '../inject/webhook/bootstrap.js';
import { startWebhook, type WebhookServer } from '../inject/webhook/server.js';
import { COMMON_OPTIONS, commonUsage, injectOptions } from './inject.js';

const USAGE = `usage: halfopen webhook [options]

  Serves the mutating admission webhook that puts the sidecar into new pods (POST /inject over TLS). Without certificate files it
  makes an authority and a certificate of its own, keeps them in a Secret, and writes the authority into the
  MutatingWebhookConfiguration; deploy/injection has the manifests and the rights that this needs.

      --port N                    9443
      --tls-cert-file FILE, --tls-key-file FILE
                                  PEM; read anew when they change
      --namespace NAME            of Service and Secret (POD_NAMESPACE)
      --service NAME              halfopen-injector
      --secret NAME               halfopen-injector-certs
      --configuration NAME        halfopen-injector, the MutatingWebhookConfiguration
${commonUsage()}
  -h, --help
`;

/** How often authority and certificate are looked after. */
const CARE_MS = 60_000;

interface Settings {
  port: number;
  files: { certificate: string; key: string } | null;
  bootstrap: BootstrapOptions;
  inject: InjectOptions;
}

const OPTIONS = {
  port: { type: 'string', default: '9443' },
  'tls-cert-file': { type: 'string' },
  'tls-key-file': { type: 'string' },
  namespace: { type: 'string' },
  service: { type: 'string', default: 'halfopen-injector' },
  secret: { type: 'string', default: 'halfopen-injector-certs' },
  configuration: { type: 'string', default: 'halfopen-injector' },
  help: { type: 'boolean', short: 'h' },
  ...COMMON_OPTIONS,
} as const;

/** null when help was asked for. @throws Error about a flag */
function settingsOf(args: string[]): Settings | null {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help === true) return null;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port: '${values.port}' is not a port`);
  const { 'tls-cert-file': certificate, 'tls-key-file': key } = values;
  if ((certificate === undefined) !== (key === undefined))
    throw new Error('--tls-cert-file and --tls-key-file go together');
  return {
    port,
    files: certificate === undefined || key === undefined ? null : { certificate, key },
    bootstrap: {
      namespace: values.namespace ?? process.env.POD_NAMESPACE ?? 'halfopen-system',
      service: values.service,
      secret: values.secret,
      configuration: values.configuration,
    },
    inject: injectOptions(values),
  };
}

const say = (text: string) => process.stderr.write(`halfopen webhook: ${text}\n`);

/** Runs until SIGTERM or SIGINT. Exit status 1 when it cannot start, 2 for wrong flags. */
export async function main(args: string[]): Promise<number> {
  let settings: Settings | null;
  try {
    settings = settingsOf(args);
  } catch (error) {
    process.stderr.write(`halfopen webhook: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (settings === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const over = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const dispatcher = new Dispatcher();
  const server = await (settings.files === null
    ? withOwn(settings, dispatcher)
    : withFiles(settings, settings.files, dispatcher));
  say(`listening on port ${server.port}`);
  await over;
  await server.close();
  process.exit(0);
}

async function withFiles(
  { port, inject }: Settings,
  files: { certificate: string; key: string },
  dispatcher: Dispatcher,
): Promise<WebhookServer> {
  const read = () => [readFileSync(files.key, 'utf8'), readFileSync(files.certificate, 'utf8')] as const;
  const server = await startWebhook(port, ...read(), inject, say);
  watchFiles(dispatcher, [files.certificate, files.key], () => {
    try {
      server.use(...read());
      say('the certificate was read anew');
    } catch (error) {
      // Between the writing of one file and the other they are no pair.
      say(`the certificate stays: ${(error as Error).message}`);
      return false;
    }
    return true;
  });
  return server;
}

async function withOwn({ port, inject, bootstrap }: Settings, dispatcher: Dispatcher): Promise<WebhookServer> {
  const api: Api = podApi(process.env);
  let current = await sharedCertificates(api, bootstrap, Date.now());
  const server = await startWebhook(port, current.key, current.certificate, inject, say);
  const care = async () => {
    try {
      const next = await sharedCertificates(api, bootstrap, Date.now());
      // Whoever calls must trust a certificate before it is shown.
      if (await trust(api, bootstrap, next.authority)) say(`${bootstrap.configuration} trusts the authority`);
      if (next.certificate !== current.certificate) {
        server.use(next.key, next.certificate);
        say('there is a new certificate');
      }
      current = next;
    } catch (error) {
      say((error as Error).message);
    }
    dispatcher.timers.arm(timer, CARE_MS, dispatcher.clock.monotonic());
  };
  const timer = new Timer({ onTimer: () => void care() }, 0);
  await care();
  return server;
}
