import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConfigError } from '../config/error.js';
import { injectDocuments } from '../inject/documents.js';
import { DEFAULT_OPTIONS, type InjectOptions, type Source } from '../inject/options.js';

const USAGE = `usage: halfopen inject -f FILE [options]

  Puts the sidecar into the workloads of Kubernetes documents, as istioctl kube-inject does: an init container that redirects
  the pod's connections, and the proxy. Comments and order of the documents stay. Injecting twice is injecting once.

  -f, --filename FILE          YAML or JSON, any number of documents; - is standard input; may be repeated
  -o, --output FILE            - is standard output (default)
  -n, --namespace NAME         of documents that name none (default)
${commonUsage()}
  -h, --help

  Annotations and labels of pods that count: docs/operators.md.
`;

/** Options that `inject` and `webhook` share. */
export function commonUsage(): string {
  return `      --image IMAGE            of the sidecar (${DEFAULT_OPTIONS.image})
      --image-pull-policy P    Always, IfNotPresent or Never; Kubernetes' default when it is not given
      --config SOURCE          where sidecars take their configuration from: kubernetes (the API server, default), or configmap:NAME
      --classic                a container beside the application's, for Kubernetes before 1.29; else a native sidecar
      --revision NAME          leave pods alone whose label istio.io/rev names another one
      --cluster-domain NAME    ${DEFAULT_OPTIONS.clusterDomain}
      --include-outbound-ip-ranges CIDRS, --exclude-outbound-ip-ranges CIDRS
                               of pods that do not say (*, none)`;
}

export const COMMON_OPTIONS = {
  image: { type: 'string' },
  'image-pull-policy': { type: 'string' },
  config: { type: 'string' },
  classic: { type: 'boolean' },
  revision: { type: 'string' },
  'cluster-domain': { type: 'string' },
  'include-outbound-ip-ranges': { type: 'string' },
  'exclude-outbound-ip-ranges': { type: 'string' },
} as const;

interface CommonValues {
  image?: string;
  'image-pull-policy'?: string;
  config?: string;
  classic?: boolean;
  revision?: string;
  'cluster-domain'?: string;
  'include-outbound-ip-ranges'?: string;
  'exclude-outbound-ip-ranges'?: string;
}

const POLICIES = ['Always', 'IfNotPresent', 'Never'];

/** @throws Error about a flag */
export function injectOptions(values: CommonValues): InjectOptions {
  const policy = values['image-pull-policy'] ?? '';
  if (policy !== '' && !POLICIES.includes(policy))
    throw new Error(`--image-pull-policy: '${policy}' is none of ${POLICIES.join(', ')}`);
  return {
    ...DEFAULT_OPTIONS,
    image: values.image ?? DEFAULT_OPTIONS.image,
    imagePullPolicy: policy as InjectOptions['imagePullPolicy'],
    source: sourceOf(values.config ?? 'kubernetes'),
    native: values.classic !== true,
    revision: values.revision ?? null,
    clusterDomain: values['cluster-domain'] ?? DEFAULT_OPTIONS.clusterDomain,
    includeOutboundIPRanges: values['include-outbound-ip-ranges'] ?? DEFAULT_OPTIONS.includeOutboundIPRanges,
    excludeOutboundIPRanges: values['exclude-outbound-ip-ranges'] ?? DEFAULT_OPTIONS.excludeOutboundIPRanges,
  };
}

function sourceOf(text: string): Source {
  if (text === 'kubernetes') return { kind: 'kubernetes' };
  const [kind, name, more] = text.split(':');
  if (kind !== 'configmap' || !name || more !== undefined)
    throw new Error(`--config: '${text}' is neither kubernetes nor configmap:NAME`);
  return { kind: 'configmap', name };
}

/** Exit status 0, 1 when a document cannot be injected, 2 for wrong flags. */
export async function main(args: string[]): Promise<number> {
  let files: string[];
  let output: string;
  let namespace: string;
  let options: InjectOptions;
  try {
    const { values } = parseArgs({
      args,
      options: {
        filename: { type: 'string', short: 'f', multiple: true },
        output: { type: 'string', short: 'o', default: '-' },
        namespace: { type: 'string', short: 'n', default: 'default' },
        help: { type: 'boolean', short: 'h' },
        ...COMMON_OPTIONS,
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    files = values.filename ?? [];
    output = values.output;
    namespace = values.namespace;
    options = injectOptions(values);
    if (files.length === 0) throw new Error('nothing to inject: give -f FILE');
  } catch (error) {
    process.stderr.write(`halfopen inject: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const texts: string[] = [];
  try {
    for (const file of files) {
      const source = readFileSync(file === '-' ? 0 : file, 'utf8');
      const { text, messages } = injectDocuments(file === '-' ? '(standard input)' : file, source, namespace, options);
      for (const message of messages) process.stderr.write(`halfopen inject: ${message}\n`);
      texts.push(text.endsWith('\n') ? text : `${text}\n`);
    }
  } catch (error) {
    const what = error instanceof ConfigError ? 'nothing is written\n' : '';
    process.stderr.write(`halfopen inject: ${what}${(error as Error).message}\n`);
    return 1;
  }
  const joined = texts.map((text, i) => (i > 0 && !text.startsWith('---') ? `---\n${text}` : text)).join('');
  if (output === '-') process.stdout.write(joined);
  else writeFileSync(output, joined);
  return 0;
}
