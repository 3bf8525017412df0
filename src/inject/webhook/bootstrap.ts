import { X509Certificate } from 'node:crypto';
import type { Api, ApiAnswer } from './api.js';
import { type Certificates, selfSigned } from './certificate.js';

/** Where the webhook's certificate lives and who is to trust it. */
export interface BootstrapOptions {
  namespace: string;
  /** The Service in front of the webhook. */
  service: string;
  /** Secret that all replicas share; made by the first. */
  secret: string;
  /** MutatingWebhookConfiguration whose caBundle is kept up. */
  configuration: string;
}

const DAY_MS = 86_400_000;
const LIFETIME_MS = 365 * DAY_MS;
/** What is left of it when a new one is made. */
const RENEW_MS = 90 * DAY_MS;

/**
 * The webhook's certificate: the one in the Secret while it is good for long enough, else a new one, which is stored there. Of several
 * replicas that make one at the same time the API server takes the first, and the others take over what it took.
 */
export async function sharedCertificates(api: Api, options: BootstrapOptions, now: number): Promise<Certificates> {
  const secrets = `/api/v1/namespaces/${options.namespace}/secrets`;
  const path = `${secrets}/${options.secret}`;
  for (let attempt = 0; attempt < 5; attempt++) {
    const found = await api('GET', path);
    if (found.status !== 200 && found.status !== 404) throw failure('read', path, found);
    const stored = found.status === 200 ? certificatesOf(found.body) : null;
    if (stored !== null && good(stored, options, now)) return stored;
    const made = selfSigned(namesOf(options), now, LIFETIME_MS);
    // Until every API server has read the new bundle, the old certificate must be trusted as well.
    if (stored !== null) made.authority += stored.authority.slice(0, stored.authority.indexOf(END) + END.length);
    const secret = secretOf(made, options, found.status === 200 ? found.body.metadata.resourceVersion : undefined);
    const written = found.status === 200 ? await api('PUT', path, secret) : await api('POST', secrets, secret);
    if (written.status < 300) return made;
    if (written.status !== 409) throw failure('write', path, written);
  }
  throw new Error(`${path} is changed all the time by others`);
}

const END = '-----END CERTIFICATE-----\n';

function namesOf({ service, namespace }: BootstrapOptions): string[] {
  return [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
}

function certificatesOf(secret: { data?: Record<string, string> }): Certificates | null {
  const read = (name: string) => Buffer.from(secret.data?.[name] ?? '', 'base64').toString();
  const found = { key: read('tls.key'), certificate: read('tls.crt'), authority: read('ca.crt') };
  return found.key === '' || found.certificate === '' || found.authority === '' ? null : found;
}

function good({ certificate }: Certificates, options: BootstrapOptions, now: number): boolean {
  try {
    const leaf = new X509Certificate(certificate);
    return (
      Date.parse(leaf.validTo) - now > RENEW_MS && namesOf(options).every((name) => leaf.checkHost(name) !== undefined)
    );
  } catch {
    return false;
  }
}

function secretOf(made: Certificates, options: BootstrapOptions, resourceVersion: string | undefined): object {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: options.secret, namespace: options.namespace, ...(resourceVersion && { resourceVersion }) },
    data: { 'tls.key': base64(made.key), 'tls.crt': base64(made.certificate), 'ca.crt': base64(made.authority) },
  };
}

/** Writes the authority into every webhook of the configuration; true when something was to be changed. */
export async function trust(api: Api, options: BootstrapOptions, authority: string): Promise<boolean> {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${options.configuration}`;
  const found = await api('GET', path);
  if (found.status !== 200) throw failure('read', path, found);
  const bundle = Buffer.from(authority).toString('base64');
  const webhooks: { clientConfig: { caBundle?: string } }[] = found.body.webhooks ?? [];
  const changes = webhooks.flatMap(({ clientConfig }, i) =>
    clientConfig.caBundle === bundle
      ? []
      : [{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value: bundle }],
  );
  if (changes.length === 0) return false;
  // Indices are those of the version that was read.
  const same = { op: 'test', path: '/metadata/resourceVersion', value: found.body.metadata.resourceVersion };
  const changed = await api('PATCH', path, [same, ...changes], 'application/json-patch+json');
  if (changed.status >= 300) throw failure('change', path, changed);
  return true;
}

function failure(what: string, path: string, { status, body }: ApiAnswer): Error {
  return new Error(`cannot ${what} ${path}: ${status} ${body?.message ?? ''}`.trimEnd());
}
